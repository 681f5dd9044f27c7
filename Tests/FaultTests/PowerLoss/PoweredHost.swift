@testable import Support
import Glibc
import Ledger
import System
import Quota
import Sweep
import TestSupport

@testable import Admin

/// A host whose programs run inside the test, on a disk that may lose its power. The server is the
/// simulator.
final class PoweredHost {
  let disk: FaultyDisk
  let server: SimulatedServer
  let book: Book
  private(set) var settings: Settings
  private var clients: [String: (client: SimulatedClient, session: SessionIdentity)] = [:]
  private var sent: [String: Int64] = [:]

  init() throws {
    let book = Book()
    self.book = book
    disk = try FaultyDisk { book.turn($0) }
    server = try SimulatedServer()
    settings = PoweredHost.settings(folder: disk.path, server)
  }

  /// The settings of a host in a folder.
  static func settings(folder: String, _ server: SimulatedServer) -> Settings {
    var settings = Settings()
    settings.database = folder + "/quota.db"
    settings.management = "home=\(server.management)"
    settings.logFile = ""
    settings.timeZone = "UTC"
    settings.retryAttempts = 1
    return settings
  }

  /// One real sweep, in this process.
  @discardableResult
  static func sweep(_ settings: Settings) throws -> Summary {
    // A program that another test is starting has a copy of the lock's descriptor for a moment.
    let lock = try StateLock.takeSweep(beside: settings.database, within: .seconds(10))
    let silent = Log(
      voice: Voice(program: "test", errors: StandardError.nobody), path: "", level: .error)
    var sweep = try Sweep(settings, log: silent)
    let summary = try sweep.run()
    _ = consume lock
    return summary
  }

  func sweep() throws {
    let summary = try PoweredHost.sweep(settings)
    guard summary.everyServerDone else { throw Failure(description: "a sweep failed") }
    book.noteSweep()
  }

  /// A client comes in, and the connect hook leaves its record.
  func enter(_ user: String, number: Int) throws {
    let since = Clock.now - 20 + Int64(number % 10)
    let address = "10.8.0.\(number + 2)"
    let session = SessionIdentity(
      boot: Boot.current(), pid: Int64(server.processID), connectedSince: since, address: address)
    let client = try server.enter(user, address: address, since: since)
    // What a bare connection moves is of no interest.
    try client.setCounters(received: 0, sent: 0)
    clients[user] = (client, session)
    let name = UserName(bytes: Array(user.utf8))
    let admission = Admission(
      identity: session, commonName: name, owner: name, wasHandedOn: false, server: nil)
    try spool.leave(.admitted(admission, at: since))
  }

  /// Moves bytes down to a client.
  func move(_ bytes: Int64, to user: String) throws {
    try clients[user]?.client.download(Int(bytes))
    sent[user, default: 0] += bytes
    book.add(bytes, of: user)
  }

  /// A client goes, and the disconnect hook closes its account; or leaves a record in the spool,
  /// where the database is busy.
  func leave(_ user: String, isBusy: Bool = false) throws {
    guard let (client, session) = clients.removeValue(forKey: user) else { return }
    try client.drop()
    let name = UserName(bytes: Array(user.utf8))
    let report = FinalReport(
      identity: session, commonName: name, owner: name, claimedOwner: name, wasLetIn: true,
      clientAddress: nil, counters: Traffic(received: 0, sent: sent[user] ?? 0),
      endedAt: Clock.now)
    if isBusy {
      try spool.leave(.closed(report))
      return book.noteSpooled(user)
    }
    let ledger = try Ledger.open(
      settings.database, for: .hook, rules: settings.rules, zone: settings.zone)
    try ledger.close(report, lastSwept: spool.sweepNote)
    try spool.remove(
      .admitted(
        Admission(
          identity: session, commonName: name, owner: name, wasHandedOn: false, server: nil),
        at: 0))
  }

  /// The rotation's part in the database.
  func prune() throws {
    var tidying = try Tidying(settings, isRehearsal: false, at: Clock.now)
    let removed = try tidying.run().removed.reduce(0) { $0 + $1.rows }
    guard removed > 0 else { throw Failure(description: "nothing was pruned") }
  }

  /// Users whose sessions are live.
  var users: [String] { clients.keys.sorted() }

  private var spool: Spool { Spool(besideDatabase: settings.database) }
}

extension StandardError {
  /// What is said to nobody.
  static let nobody = unsafe StandardError(
    descriptor: open("/dev/null", O_WRONLY), journalStream: nil)
}
