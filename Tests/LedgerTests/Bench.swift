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

  /// A look into the ledger from outside.
  var probe: LedgerProbe { LedgerProbe(path) }

  /// What a user used in all, which all parts of the ledger must agree in.
  func used(_ name: String) throws -> Int64 { try probe.used(name).total }
}

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
