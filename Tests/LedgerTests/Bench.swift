import Quota
import SQLite
import TestSupport

@testable import Ledger

/// A ledger of a test's own, in a directory of its own, with a server to tell it things.
final class Bench {
  let folder: TemporaryDirectory
  let path: String
  let spool: Spool
  let ledger: Ledger
  /// How many sessions were made up so far.
  var sessions = 0
  /// A Monday noon.
  static let noon: Int64 = 1_795_435_200
  /// Every day there is.
  static let allDays = Day(number: .min)...Day(number: .max)

  init(rules: Rules = Rules(), zone: Zone = .utc, prepare: (String) throws -> Void = { _ in })
    throws
  {
    folder = try TemporaryDirectory()
    path = folder.path + "/quota.db"
    try prepare(path)
    spool = Spool(besideDatabase: path)
    ledger = try Ledger.open(path, for: .keeper, rules: rules, zone: zone)
  }

  /// Runs a query whose first row's first column is an integer.
  func number(_ sql: String) throws -> Int64 { try ledger.database.integer(sql) }

  /// What a user used by period, by history and by `bytes_used`, which must agree.
  func used(_ name: String) throws -> Int64 {
    let whose = "(SELECT id FROM users WHERE username = '\(name)')"
    let period = try number(
      "SELECT sum(bytes_received + bytes_sent) FROM \(allPeriods) WHERE user_id = \(whose)")
    let history = try number(
      "SELECT sum(bytes_received + bytes_sent) FROM usage WHERE user_id = \(whose)")
    let sessions = try number(
      "SELECT sum(bytes_received + bytes_sent) FROM sessions WHERE user_id = \(whose)")
    let mirror = try number("SELECT bytes_used FROM user_quotas WHERE user_id = \(whose)")
    let span = try ledger.standing(of: UserName(name), at: Bench.noon)?.span
    let periods = try number("SELECT count(*) FROM \(allPeriods) WHERE user_id = \(whose)")
    // Of several periods the mirror has the present one.
    let isOne = span == .always && periods <= 1
    guard period == history, period == sessions, period == mirror || !isOne else {
      throw Disagreement(
        description:
          "periods \(period), history \(history), sessions \(sessions), mirror \(mirror)")
    }
    return period
  }
}

/// The ledger does not add up.
struct Disagreement: Error, CustomStringConvertible { let description: String }

/// What a server says, with everything but the matter at hand filled in.
func report(
  _ sightings: [Sighting], server: String = "server", boot: Int64 = 7, pid: Int64 = 100,
  at: Int64 = Bench.noon + 60, complete: Bool = true, previous: Int64? = nil
) -> ServerReport {
  ServerReport(
    server: server, boot: boot, pid: pid, at: at, isComplete: complete, previous: previous,
    sightings: Sightings(count: sightings.count) { sightings[$0] })
}

func sighting(
  _ name: UserName, _ received: Int64, _ sent: Int64, address: String = "10.8.0.2",
  since: Int64 = Bench.noon, owner: UserName?? = nil
) -> Sighting {
  Sighting(
    connectedSince: since, address: address, commonName: name, owner: owner ?? name,
    realAddress: "192.0.2.1:1194", counters: Traffic(received: received, sent: sent))
}

func session(
  _ address: String = "10.8.0.2", pid: Int64 = 100, boot: Int64 = 7, since: Int64 = Bench.noon
) -> SessionIdentity {
  SessionIdentity(boot: boot, pid: pid, connectedSince: since, address: address)
}

func final(
  _ name: UserName, _ received: Int64, _ sent: Int64, _ identity: SessionIdentity = session(),
  owner: UserName? = nil, after seconds: Int64 = 90, letIn: Bool? = nil,
  from address: String? = "192.0.2.1:1194"
) -> FinalReport {
  FinalReport(
    identity: identity, commonName: name, owner: owner, claimedOwner: name,
    wasLetIn: letIn ?? (owner != nil), clientAddress: address,
    counters: Traffic(received: received, sent: sent),
    endedAt: identity.connectedSince + seconds)
}

// What most tests leave at that: no sweep has left word, and a moment soon after the report's.
extension Ledger {
  @discardableResult
  func close(_ report: FinalReport) throws(SQLiteError) -> Traffic? {
    try close(report, lastSwept: nil)
  }

  func standing(of name: UserName) throws(SQLiteError) -> Standing? {
    try standing(of: name, at: Bench.noon + 60)
  }

  func violations(
    among live: [LiveSession], of report: ServerReport
  ) throws(SQLiteError) -> [Violation] {
    try violations(
      among: live, of: report, listed: [report.server: report.at], at: report.at)
  }
}
