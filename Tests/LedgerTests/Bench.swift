import Gate
import Glibc
import Quota
import System
import TestSupport

@testable import Ledger

/// A ledger of a test's own, in a directory of its own, with a server and its hooks to tell it things.
final class Bench {
  let folder: TemporaryDirectory
  let path: String
  let ledger: Ledger
  /// How many sessions were made up so far.
  var sessions = 0
  /// How many records hooks have written.
  private var records: UInt64 = 0
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
    ledger = try Ledger.open(path, for: .writing, rules: rules, zone: zone)
  }

  /// A look into the ledger from outside.
  var probe: LedgerProbe { LedgerProbe(path) }

  /// What a user used in all, which all parts of the ledger must agree in.
  func used(_ name: String) throws -> Int64 { try probe.used(name).total }

  /// The present end of the journal.
  func journalEnd() throws -> Int64 {
    let directory = try Directory(folder.path)
    return try JournalFile(.current, in: directory)?.end() ?? 0
  }

  /// Takes in the journal, and what servers said.
  @discardableResult
  func take(_ reports: [ServerReport] = [], at time: Int64? = nil) throws -> Reconciliation {
    let time = time ?? reports.map(\.at).max() ?? Bench.noon + 60
    return try ledger.reconcile(
      journal: Directory(folder.path), reports,
      at: moment(time, boot: reports.first?.boot ?? 7))
  }

  /// What a server's listing came to, in one piece.
  struct Sweep {
    let added: Traffic
    let opened: Int
    let closed: Int
    let live: [ListedSession]
    let failure: String?
    let problems: [String]
  }

  /// Takes in the journal, and what one server said.
  @discardableResult
  func sweep(_ report: ServerReport) throws -> Sweep {
    let result = try take([report])
    return Sweep(
      added: result.added, opened: result.opened, closed: result.closed,
      live: result.listings[0].live, failure: result.listings[0].failure,
      problems: result.problems)
  }
}

extension Bench {
  /// Makes a backup.
  ///
  /// - Returns: its path.
  func backUp() throws -> String {
    let copy = folder.path + "/copy.db"
    let file = try Descriptor.open(copy, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    try Backup.make(of: path, into: file, called: copy) { _, _ in }
    return copy
  }

  /// Puts a backup in the place of the ledger.
  func restore(_ copy: String) throws {
    try Restoration.check(copy, called: copy)
    _ = try Restoration.perform(
      from: copy, called: copy, into: path, stamp: "1", zone: .utc
    ) { _, _ in }
  }
}

/// A moment of a machine that was booted 10 000 s before noon.
func moment(_ time: Int64, boot: Int64 = 7) -> JournalMoment {
  JournalMoment(
    realtime: time * 1_000_000_000, boottime: (time - Bench.noon + 10_000) * 1_000_000_000,
    boot: boot)
}

/// What identifies a session to a hook.
struct SessionIdentity: Hashable {
  var boot: Int64
  var pid: Int64
  var since: Int64
  var address: String
  var client = "192.0.2.1:1194"
  var server = "server"
}

func session(
  _ address: String = "10.8.0.2", pid: Int64 = 100, boot: Int64 = 7, since: Int64 = Bench.noon,
  from client: String = "192.0.2.1:1194"
) -> SessionIdentity {
  SessionIdentity(boot: boot, pid: pid, since: since, address: address, client: client)
}

/// How a session ended, by its hook.
struct FinalReport {
  var identity: SessionIdentity
  /// Whom the hook names.
  var name: UserName
  /// Who came in; nil where no connect hook wrote a record.
  var owner: UserName?
  var counters: Traffic?
  /// Seconds.
  var duration: Int64
}

func final(
  _ name: UserName, _ received: Int64, _ sent: Int64, _ identity: SessionIdentity = session(),
  owner: UserName? = nil, after seconds: Int64 = 90
) -> FinalReport {
  FinalReport(
    identity: identity, name: name, owner: owner,
    counters: Traffic(received: received, sent: sent), duration: seconds)
}

extension Bench {
  /// Appends a record to the journal.
  func append(
    _ kind: JournalRecord.Kind, _ identity: SessionIdentity, _ name: UserName, at time: Int64,
    reason: Reason? = nil, counters: Traffic? = nil, duration: Int64? = nil
  ) throws {
    records += 1
    try append(
      record(
        kind, identity, name, at: time, mark: records, reason: reason, counters: counters,
        duration: duration))
  }

  func append(_ record: JournalRecord) throws {
    try Journal.append(record, in: Directory(folder.path))
  }

  func record(
    _ kind: JournalRecord.Kind, _ identity: SessionIdentity, _ name: UserName, at time: Int64,
    mark: UInt64, reason: Reason? = nil, counters: Traffic? = nil, duration: Int64? = nil
  ) -> JournalRecord {
    let client = RealAddress(listed: Array(identity.client.utf8)[...])
    let now = moment(time)
    return JournalRecord(
      kind: kind, mark: mark, boot: identity.boot, serverStart: 5,
      server: Array(identity.server.utf8), pid: identity.pid, connectedSince: identity.since,
      realtime: now.realtime, boottime: now.boottime,
      ipv4: identity.address.contains(".") ? Array(identity.address.utf8) : [],
      ipv6: identity.address.contains(":") ? Array(identity.address.utf8) : [],
      clientHost: Array(client.host.description.utf8), clientPort: Array("\(client.port)".utf8),
      commonName: name.bytes, owner: name.bytes, reason: reason, received: counters?.received,
      sent: counters?.sent, duration: duration)
  }

  /// Lets a client in, by its connect hook.
  func connect(
    _ name: UserName, _ identity: SessionIdentity = session(), at time: Int64? = nil
  ) throws {
    try append(.in, identity, name, at: time ?? identity.since)
  }

  /// Ends a session by its hook, without taking it in.
  func leave(_ report: FinalReport) throws {
    if let owner = report.owner { try connect(owner, report.identity) }
    try append(
      .end, report.identity, report.name, at: report.identity.since + report.duration,
      counters: report.counters, duration: report.duration)
  }

  /// Ends a session by its hook, and takes that in.
  @discardableResult
  func close(_ report: FinalReport) throws -> Reconciliation {
    try leave(report)
    return try take(at: report.identity.since + report.duration)
  }
}

/// A row of a listing.
struct ListedRow {
  var client: ListedClient
  var name: UserName
  var owner: UserName?
  /// The address inside the tunnel.
  var address: String
}

/// What a server says, with everything but the matter at hand filled in.
func report(
  _ rows: [ListedRow], server: String = "server", boot: Int64 = 7, pid: Int64 = 100,
  at: Int64 = Bench.noon + 60, complete: Bool = true, position: Int64 = .max, device: String = ""
) -> ServerReport {
  ServerReport(
    server: server, boot: boot, pid: pid, at: at, isComplete: complete, position: position,
    clients: ListedClients(rows.map(\.client)), device: Array(device.utf8)
  ) { .init(commonName: rows[$0].name, owner: rows[$0].owner) }
}

func listed(
  _ name: UserName, _ received: Int64, _ sent: Int64, address: String = "10.8.0.2",
  since: Int64? = Bench.noon, owner: UserName?? = nil, from client: String = "192.0.2.1:1194",
  isSession: Bool = true
) -> ListedRow {
  ListedRow(
    client: ListedClient(
      since: since,
      endpoints: Endpoints(
        real: RealAddress(listed: Array(client.utf8)[...]),
        virtual: NetworkAddress(text: Array(address.utf8))),
      counters: Traffic(received: received, sent: sent), isSession: isSession),
    name: name, owner: owner ?? name, address: address)
}

// What most tests leave at that: a moment soon after the report's.
extension Periods {
  func entitlement(of name: UserName) throws -> Entitlement? {
    try entitlement(of: name, at: Bench.noon + 60)
  }
}

extension Sessions {
  func violations(
    among live: [ListedSession], of report: ServerReport
  ) throws -> [Violation] {
    try violations(among: live, of: report, at: report.at)
  }
}
