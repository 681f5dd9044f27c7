import Ledger
import Quota

@testable import Sync

/// A host's connection to the centre, which may be lost before or after any of its transactions.
final class Line: CentreTables {
  /// Where it is lost.
  struct Cut {
    /// Transactions that go well before that.
    let after: Int
    /// Whether the centre still commits the one whose answer is lost.
    let isCommitted: Bool
  }

  /// What is known of what went over it.
  enum Passed {
    /// The centre has taken these, whether or not the host knows.
    case offered([SharedFact]), changed([SharedFact]), given, told
    /// The host has read these.
    case facts, own([OwnUsage])
  }

  private let centre: SomeCentre
  private let ahead: Int64
  private var left: Int
  private let cut: Cut?
  private let passed: (Passed) -> Void

  /// - Parameter ahead: seconds that the host's clock is ahead of the centre's.
  init(
    to centre: consuming SomeCentre, cut: Cut?, ahead: Int64, passed: @escaping (Passed) -> Void
  ) {
    self.centre = centre
    self.cut = cut
    left = cut?.after ?? .max
    self.ahead = ahead
    self.passed = passed
  }

  static var lost: PostgresError { PostgresError(.disconnected, "the connection is lost") }

  /// Reads something.
  private func read<Result>(_ body: (borrowing SomeCentre) throws -> Result) throws -> Result {
    guard left > 0 else { throw Line.lost }
    left -= 1
    return try body(centre)
  }

  /// Commits something.
  private func commit(_ what: Passed, _ body: (borrowing SomeCentre) throws -> Void) throws {
    let isLast = left == 0
    if isLast, cut?.isCommitted != true || isGone { throw Line.lost }
    if isLast { isGone = true } else { left -= 1 }
    try body(centre)
    passed(what)
    if isLast { throw Line.lost }
  }

  /// Whether the centre is no longer there for this one.
  private var isGone = false

  var retries: Int { 0 }

  func rules() throws -> CommonRules { try read { try $0.rules() } }

  func clockAhead() throws -> Int64 { try read { _ in ahead } }

  func standing(of host: PresentHost) throws -> Centre.Standing {
    try read { try $0.standing(of: host) }
  }

  func state() throws -> CentreState { try read { try $0.state() } }

  func token(of host: PresentHost) throws -> String? { try read { try $0.token(of: host) } }

  func hosts() throws -> [KnownHost] { try read { try $0.hosts() } }

  func add(_ host: PresentHost) throws { try commit(.told) { try $0.add(host) } }

  func remove(_ host: String) throws -> Bool {
    var isThere = false
    try commit(.told) { isThere = try $0.remove(host) }
    return isThere
  }

  func facts(
    above version: Int64, upTo last: Int64, garbage: (String) -> Void
  ) throws -> [SharedFact] {
    let facts = try read { try $0.facts(above: version, upTo: last, garbage: garbage) }
    passed(.facts)
    return facts
  }

  func offer(_ facts: [SharedFact], isJoining: Bool) throws {
    try commit(.offered(facts)) { try $0.offer(facts, isJoining: isJoining) }
  }

  func change(_ facts: [SharedFact], by host: PresentHost) throws {
    do {
      try commit(.changed(facts)) { try $0.change(facts, by: host) }
    } catch let error as PostgresError {
      throw SyncError.unknownCommit(error)
    }
  }

  func restore(_ facts: [SharedFact]) throws -> Int {
    var count = 0
    try commit(.given) { count = try $0.restore(facts) }
    return count
  }

  func namesakes(
    of users: [SharedFact]
  ) throws -> [(user: String, other: String, version: Int64)] {
    try read { try $0.namesakes(of: users) }
  }

  func known(_ names: [[UInt8]]) throws -> Int { try read { try $0.known(names) } }

  func push(
    _ usage: [OwnUsage], _ days: [OwnDay], of host: PresentHost, isRestored: Bool
  ) throws {
    try commit(.told) { try $0.push(usage, days, of: host, isRestored: isRestored) }
  }

  func days(of host: String, on day: Day) throws -> [OwnDay] {
    try read { try $0.days(of: host, on: day) }
  }

  func nextDay(of host: String, after day: Day, orOnIt isIncluded: Bool) throws -> Day? {
    try read { try $0.nextDay(of: host, after: day, orOnIt: isIncluded) }
  }

  func removeDays(of host: String, before oldest: Day) throws {
    try commit(.told) { try $0.removeDays(of: host, before: oldest) }
  }

  func usage(of host: String) throws -> [OwnUsage] {
    let own = try read { try $0.usage(of: host) }
    passed(.own(own))
    return own
  }

  func users(changedSince seen: [String: Int64]) throws -> [String] {
    try read { try $0.users(changedSince: seen) }
  }

  func usage(
    of wanted: [(user: String, periodStart: Int64)], elsewhereThan host: String,
    garbage: (String) -> Void
  ) throws -> [(user: String, ElsewhereUsage)] {
    try read { try $0.usage(of: wanted, elsewhereThan: host, garbage: garbage) }
  }
}
