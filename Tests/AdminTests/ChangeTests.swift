import TestSupport
import Testing

@Suite struct `Changes` {
  @Test func `every change leaves one event, and no change leaves none`() throws {
    let bench = try Bench()
    for _ in 1...2 {
      try bench.admin("add", "alice", "--quota", "1K")
      try bench.admin("disable", "alice")
    }
    for _ in 1...2 { try bench.admin("set", "alice", "--quota", "0") }
    for _ in 1...2 { try bench.admin("enable", "alice") }
    #expect(
      try bench.events().sorted() == [
        "alice created by an administrator, quota 1024 bytes",
        "alice disabled by an administrator", "alice enabled by an administrator",
        "alice quota from 1024 bytes to unlimited",
      ])
  }

  @Test func `a change keeps what was used`() throws {
    let bench = try Bench()
    try bench.populate()
    try bench.admin("set", "alice", "--quota", "1G")
    try bench.admin("disable", "alice")
    try bench.admin("enable", "alice")
    #expect(try bench.probe.bytesUsed["alice"] == 2 << 30)
    #expect(try bench.probe.usage(by: .periods)["alice"]?.sent == 1536 << 20)
  }

  @Test func `administrators at once lose nothing of each other's`() throws {
    let bench = try Bench()
    let outcome = try bench.shell(
      """
      for number in 1 2 3 4 5 6 7 8 9 10; do
        quota-admin add "a$number" --quota 1K &
        quota-admin add "b$number" --quota 1K &
        quota-admin add same 2>/dev/null &
      done >/dev/null
      wait
      for number in 1 2 3 4 5 6 7 8 9 10; do
        quota-admin set "a$number" --quota "${number}B" &
        quota-admin disable "a$number" &
        quota-admin set "b$number" --quota "${number}B" &
      done >/dev/null
      wait
      """)
    #expect(outcome.isFine)
    #expect(try bench.probe.users.count == 21)
    #expect(try bench.probe.users.count { $0.status == "disabled" } == 10)
    #expect(try bench.probe.users.reduce(0) { $0 + ($1.quota ?? 0) } == 110)
    #expect(try bench.probe.events.count == 51)
  }
}
