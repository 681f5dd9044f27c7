import Support
import Ledger
import OpenVPN
import System
import Quota
import SQLite

/// What one server said, and what the ledger makes of it.
struct Observation {
  let server: Server
  let listing: StatusListing
  let report: ServerReport
  /// The end of the journal just before the listing was asked for.
  let journalPosition: Int64
  /// The sessions that may be judged.
  var live: [LiveSession] = []

  init?(_ server: Server, boot: Int64, previous: Int64?, identifyBy: IdentifyBy) {
    guard let received = server.connection?.listing, let pid = received.value.pid else {
      return nil
    }
    let listing = received.value
    journalPosition = received.journalPosition
    self.server = server
    self.listing = listing
    let rows = listing.rows
    let sessions = rows.indices.filter { rows[$0].isSession }
    let names = NameReader(identifyBy: identifyBy, config: server.endpoint.config)
    report = ServerReport(
      server: server.endpoint.name, boot: boot, pid: pid, at: received.askedAt,
      isComplete: listing.isComplete, previous: previous,
      sightings: Sightings(count: sessions.count) { names.sighting(rows[sessions[$0]]) })
  }

  /// What is wrong with the listing although it came to an answer.
  var failure: ServerFailure? {
    if listing.isTruncated {
      let last = listing.rows.last.map { printable($0.commonName) } ?? "its first row"
      return .truncated(lastRow: last)
    }
    return listing.malformedRows > 0 ? .malformedRows(listing.malformedRows) : nil
  }
}

/// Reads who a row is about.
struct NameReader: Sendable {
  let identifyBy: IdentifyBy
  /// Whether the server puts the username in the place of the common name: then the two differ only
  /// while a renegotiation is under way, and neither can be trusted.
  private let namesAgree: Bool

  private static let undefined = Array("UNDEF".utf8)

  init(identifyBy: IdentifyBy, config: ServerConfig?) {
    self.identifyBy = identifyBy
    namesAgree = config?.usernameAsCommonName != nil
  }

  /// A row that is a session, as the ledger takes it.
  func sighting(_ row: StatusRow) -> Sighting {
    Sighting(
      connectedSince: row.connectedSince ?? 0, address: row.address?.text ?? "",
      commonName: row.commonName, owner: owner(of: row),
      realAddress: printable(row.realAddress),
      counters: Traffic(received: row.bytesReceived, sent: row.bytesSent))
  }

  private func owner(of row: StatusRow) -> ArraySlice<UInt8>? {
    let name = identifyBy == .username ? row.username : row.commonName
    if name.isEmpty || name.elementsEqual(NameReader.undefined) { return nil }
    if namesAgree, !row.commonName.elementsEqual(row.username) { return nil }
    return name
  }
}

/// Brings the ledger up to date with what servers said and hooks left.
struct Reconciler {
  let ledger: Ledger
  let spool: Spool
  let log: Log

  /// Takes in the spool and the observations, and fills in who is live.
  ///
  /// The spool is read after the listings were made: a session that a hook closed meanwhile has
  /// its record there, and is not taken for one that vanished.
  func reconcile(
    _ observations: inout [Observation], at time: Int64, into summary: inout Summary
  ) throws {
    let contents = try spool.readAll()
    let intake = try ledger.takeIn(contents, of: spool, at: time)
    summary.add(intake)
    tell(intake)
    var spent: [Admission] = []
    for index in observations.indices {
      let result = try ledger.reconcile(
        observations[index].report, admissions: contents.admissions.map(\.admission))
      observations[index].live = result.live
      spent += result.spent
      summary.add(result)
    }
    let released = try ledger.release(
      contents, spent: spent, reports: observations.map(\.report), of: spool, at: time)
    tell(released)
  }

  private func tell(_ intake: Intake) {
    for problem in intake.problems { log.warn(problem) }
  }
}
