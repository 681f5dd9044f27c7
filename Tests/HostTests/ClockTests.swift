import Foundation
import TestSupport
import Testing

/// A midnight passes: nothing of ours runs in the moment, and everybody is dealt with by the date.
@Suite(.serialized, .enabled(if: RealHost.isAvailable && FakedClock.isAvailable))
struct ClockTests {
  /// A zone whose midnight is no whole hour of UTC.
  private static let zone = "Asia/Kathmandu"

  /// A midnight there, two or three days from now: certificates are good for thirty.
  private let midnight: Date
  private let calendar: Calendar

  init() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: ClockTests.zone))
    midnight = calendar.startOfDay(for: Date().addingTimeInterval(3 * 86_400))
    self.calendar = calendar
  }

  /// The midnight in seconds since 1970.
  private var turn: Int64 { Int64(midnight.timeIntervalSince1970) }

  private var settings: [String: String] { ["TIME_ZONE": ClockTests.zone] }

  /// TCP, so that the server knows at once who is gone.
  private var options: RealServer.Options {
    var options = RealServer.Options()
    options.transport = .tcp
    // Longer than any jump of the clock here.
    options.timeout = 3600
    return options
  }

  @Test func `the faked date arrives in the hooks, the programs and the server`() throws {
    let clock = try FakedClock()
    let start = turn - 300
    try clock.set(to: start)
    let quota = try QuotaHost(settings, clock: clock)
    try quota.admin("add", "alice")
    try quota.admin("disable", "alice")
    let server = try quota.server("office", options)
    #expect(try server.client("alice").connect() == .refused(""))
    let bob = try server.client("bob")
    try bob.connect()
    try quota.sweep()
    try bob.leave()
    let times = start...clock.now
    try quota.sweep()

    let line = try #require(
      try quota.log.split(separator: "\n").first { $0.contains("refused user=") })
    let hook = try Date(String(line.prefix { $0 != " " }), strategy: .iso8601)
    #expect(times.contains(Int64(hook.timeIntervalSince1970)))
    let since = try #require(try server.endings.last?.since)
    #expect(times.contains(Int64(since)))
    #expect(times.contains(try #require(try quota.probe.events("disabled").first).at))
    let session = try #require(try quota.probe.sessions.first { $0.endedBy == "hook" })
    #expect(times.contains(try #require(session.endedAt)))
    let metrics = try quota.admin("metrics")
    let sweep = try #require(metrics.firstMatch(of: /last_sweep_timestamp_seconds (\d+)/)?.1)
    #expect((start...clock.now).contains(try #require(Int64(sweep))))
  }

  @Test func `midnight lets in users whose quota was used up, and no others who are kept out`()
    throws
  {
    let clock = try FakedClock()
    try clock.set(to: turn - 1200)
    let quota = try QuotaHost(settings, clock: clock)
    try addUsers(to: quota)
    let server = try quota.server("office", options)
    let clients = try Dictionary(
      uniqueKeysWithValues: ["alice", "bob", "carol", "dave", "eve", "frank"].map {
        ($0, try server.client($0))
      })
    func client(_ name: String) throws -> RealClient { try #require(clients[name]) }

    for name in ["alice", "bob", "dave", "eve", "frank"] {
      #expect(try client(name).connect() == .up)
      try client(name).upload(["alice", "bob"].contains(name) ? 1_100_000 : 200_000)
    }
    try client("dave").leave()
    try quota.sweep()
    for name in ["alice", "bob"] {
      try client(name).wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
      try client(name).waitUntilGone()
    }
    for name in ["alice", "bob", "carol"] { #expect(try client(name).connect() == .refused("")) }
    // The last sweep is a minute old, so that no period is an estimate, however long all this took.
    try clock.set(to: turn - 60)
    try quota.sweep()
    let before = try database(of: quota)
    try clock.set(to: turn)
    #expect(try client("alice").connect() == .up)
    #expect(try client("bob").connect() == .up)
    #expect(try client("carol").connect() == .refused(""))
    #expect(try client("dave").connect() == .refused(""))
    #expect(try database(of: quota) == before, "no hook at the door writes to the database")
    try quota.sweep()
    #expect(try quota.log.contains("refused user=dave reason=\"account expired\""))

    try client("alice").upload(100_000)
    try client("eve").upload(300_000)
    try quota.sweep()
    try client("frank").wait(for: "to be halted") { $0 == .halted("Account expired") }
    #expect(try client("alice").ping() && client("bob").ping() && client("eve").ping())
    try server.stop()
    for _ in 1...2 {
      try quota.sweep(expecting: [69])
      try expectPeriods(in: quota)
    }
  }

  /// alice and bob with a period that ends at midnight; carol, who is disabled; dave and frank, whose
  /// time is over then; and eve, who may do as she likes every day.
  private func addUsers(to quota: QuotaHost) throws {
    let day = calendar.component(.day, from: midnight)
    try quota.admin("add", "alice", "--quota", "1MB", "--period", "day")
    try quota.admin(
      "add", "bob", "--quota", "1MB", "--period", "month", "--reset-day", "\(day)")
    try quota.admin("add", "carol", "--quota", "1MB", "--period", "day")
    try quota.admin("disable", "carol")
    let last = calendar.dateComponents(
      [.year, .month, .day], from: midnight.addingTimeInterval(-1))
    let lastDay = try [last.year, last.month, last.day].map { number in
      String(format: "%02d", try #require(number))
    }.joined(separator: "-")
    for name in ["dave", "frank"] { try quota.admin("add", name, "--expires", lastDay) }
    try quota.admin("add", "eve", "--period", "day")
  }

  /// Expects alice, bob and eve to have a period that ended at midnight and the present one, each
  /// with what was counted in it, and all periods to come to what OpenVPN counted.
  private func expectPeriods(in quota: QuotaHost) throws {
    #expect(try quota.usage() == quota.truth())
    let used = try quota.probe.bytesUsed
    for (name, before, after) in [
      ("alice", 1_100_000, 100_000), ("bob", 1_100_000, 0), ("eve", 200_000, 300_000),
    ] as [(String, Int64, Int64)] {
      let periods = try history(of: name, in: quota)
      try #require(periods.count == 2)
      #expect(periods.map(\.present) == [false, true])
      #expect(periods[0].end == midnight && periods[1].start == midnight)
      let days = calendar.dateComponents([.day, .month], from: periods[0].start, to: midnight)
      #expect(days.month == (name == "bob" ? 1 : 0) || days.day == (name == "bob" ? 0 : 1))
      #expect(periods.map(\.quota_bytes) == (name == "eve" ? [0, 0] : [1_000_000, 1_000_000]))
      // Beside the payload a session moves some kilobytes of its own.
      #expect((before...before + 90_000).contains(periods[0].bytes_received))
      #expect((after...after + 90_000).contains(periods[1].bytes_received))
      #expect(periods.allSatisfy { !$0.estimated })
      #expect(used[name] == periods[1].bytes_received + periods[1].bytes_sent)
      let sum = Usage(
        received: periods.reduce(0) { $0 + $1.bytes_received },
        sent: periods.reduce(0) { $0 + $1.bytes_sent })
      #expect(try sum == quota.truth()[name])
    }
  }

  /// What `quota-admin history` says of a period.
  private struct Period: Decodable {
    let start: Date
    let end: Date
    let present: Bool
    let bytes_received: Int64
    let bytes_sent: Int64
    let quota_bytes: Int64
    let estimated: Bool
  }

  private func history(of name: String, in quota: QuotaHost) throws -> [Period] {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    let text = try quota.admin("history", name, "--json")
    return try decoder.decode([String: [Period]].self, from: Data(text.utf8))["periods"] ?? []
  }

  /// What is in the files of the database.
  private func database(of quota: QuotaHost) throws -> [Data] {
    try ["quota.db", "quota.db-wal"].map {
      try Data(contentsOf: URL(fileURLWithPath: "\(quota.data)/\($0)"))
    }
  }
}
