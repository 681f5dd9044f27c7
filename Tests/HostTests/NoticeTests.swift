import Foundation
import TestSupport
import Testing

/// What people are told: once, and at least once where something is killed in between.
@Suite(.serialized, .enabled(if: RealHost.isAvailable && FakedClock.isAvailable))
struct NoticeTests {
  @Test func `thresholds, refusals and kills give notice once`() throws {
    let quota = try QuotaHost(["NOTIFY_AT": "80,100"])
    let letters = try Letters(to: quota)
    try quota.admin("add", "alice", "--quota", "1MB")
    var options = RealServer.Options()
    options.transport = .tcp
    let server = try quota.server("office", options)
    let alice = try server.client("alice")
    try alice.connect()
    try alice.upload(1_100_000)
    try quota.sweep()
    try alice.wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
    try quota.notify()
    #expect(try letters.delivered.sorted() == ["alice killed quota 1", "alice usage 100 1"])

    for _ in 1...2 {
      #expect(try alice.connect() == .refused(""))
      try quota.sweep()
      try quota.notify()
    }
    #expect(
      try letters.delivered.sorted() == [
        "alice killed quota 1", "alice refused quota 1", "alice usage 100 1",
      ])
  }

  @Test func `a notice survives the kill of who delivers it, and comes again later`() throws {
    let clock = try FakedClock()
    let quota = try QuotaHost(clock: clock)
    let letters = try Letters(to: quota)
    try letters.command(is: "exec sleep 60")
    try quota.admin("add", "alice", "--expires", "+2d")
    let postman = try quota.beginNotify()
    try eventually("a delivery to begin") { try letters.delivered == ["alice expiry 3 1"] }
    kill(postman.processIdentifier, SIGKILL)
    // Foundation takes it for running while what it started does.
    for process in try letters.processes { kill(process, SIGKILL) }
    postman.waitUntilExit()
    #expect(postman.terminationReason == .uncaughtSignal)

    try letters.command(is: "")
    try quota.notify()
    #expect(try letters.delivered == ["alice expiry 3 1"], "not at once")
    try clock.set(to: clock.now + 61)
    for _ in 1...2 { try quota.notify() }
    #expect(try letters.delivered == ["alice expiry 3 1", "alice expiry 3 2"])
  }

  @Test func `a command that fails is tried five times, with pauses that grow`() throws {
    let clock = try FakedClock()
    let quota = try QuotaHost(clock: clock)
    let letters = try Letters(to: quota)
    try letters.command(is: "exit 3")
    try quota.admin("add", "alice", "--expires", "+2d")
    for (number, pause) in [60, 300, 900, 3600].enumerated() {
      try quota.notify(expecting: 69)
      try clock.set(to: clock.now + Int64(pause) - 20)
      try quota.notify()
      #expect(try letters.delivered.count == number + 1, "not before its time")
      try clock.set(to: clock.now + 21)
    }
    try quota.notify(expecting: 69)
    #expect(try letters.delivered == (1...5).map { "alice expiry 3 \($0)" })
    for _ in 1...2 {
      try clock.set(to: clock.now + 7200)
      try quota.notify()
    }
    #expect(try letters.delivered.count == 5)
    let log = try quota.log
    #expect(log.contains("not delivered user=alice notice=expiry detail=3 try=5"))
    #expect(log.contains("it ended with status 3"))
    #expect(log.contains("gave up on 1 notices"))
  }

  @Test func `a command that hangs is killed at its limit, with all that it started`() throws {
    // The thirty seconds of each are over in one.
    let quota = try QuotaHost(clock: FakedClock(rate: 40))
    let letters = try Letters(to: quota)
    try letters.command(is: "sleep 600 & echo $! >>'\(letters.script).pids'; wait")
    try quota.admin("add", "alice", "--expires", "+2d")
    try quota.admin("add", "bob", "--expires", "+2d")
    let begun = Date()
    try quota.notify(expecting: 69)
    #expect(Date().timeIntervalSince(begun) < 25)
    #expect(try letters.delivered == ["alice expiry 3 1"], "bob's would hang as well")
    let processes = try letters.processes
    #expect(processes.count == 2)
    for process in processes { #expect(!isAlive(process)) }
    #expect(try quota.log.contains("it took too long and was killed"))
  }

  /// Whether a process runs; one that has ended and that nobody has asked after yet does not.
  private func isAlive(_ process: pid_t) -> Bool {
    guard let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
      return false
    }
    return state.split(separator: ")").last?.hasPrefix(" Z") == false
  }
}

/// A command that takes notices, with a book of what it was given.
private struct Letters {
  /// The setting `NOTIFY_COMMAND`.
  let script: String
  private let host: RealHost

  /// Notes what a host has to tell and does nothing else yet.
  init(to quota: QuotaHost) throws {
    host = quota.host
    script = host.folder + "/take-notice"
    try command(is: "")
    quota.set("NOTIFY_COMMAND", to: script)
    for suffix in [".out", ".pids"] { try host.write("", to: "take-notice\(suffix)") }
  }

  /// Sets what the command does after it has taken note.
  func command(is action: String) throws {
    try host.write(
      """
      #!/bin/sh
      echo $$ >>'\(script).pids'
      echo "$QUOTA_USER $QUOTA_NOTICE $QUOTA_DETAIL $QUOTA_TRY" >>'\(script).out'
      \(action)

      """, to: "take-notice", mode: 0o755)
  }

  /// User, kind, detail and number of the try of each notice it was given.
  var delivered: [String] { get throws { try lines(".out") } }

  /// The commands' processes, and others that they noted.
  var processes: [pid_t] { get throws { try lines(".pids").compactMap { pid_t($0) } } }

  private func lines(_ suffix: String) throws -> [String] {
    try String(contentsOfFile: script + suffix, encoding: .utf8).split(separator: "\n").map(
      String.init)
  }
}
