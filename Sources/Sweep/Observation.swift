import Ledger
import OpenVPN
import Quota
import Support
import System

/// One listing of a server, and what the ledger makes of it. A server whose listing was cut has two:
/// the rows before the cut, and those behind it in format 1.
struct Observation {
  let server: Server
  let listing: StatusListing
  /// The end of the journal just before the listing was asked for.
  let journalPosition: Int64
  let report: ServerReport
  /// The sessions that may be judged.
  var live: [LiveSession] = []
  /// The place in the listing of each of the report's sightings.
  private let places: [Int32]

  private init?(
    _ server: Server, _ part: ManagementConnection.ReceivedListing.Part, boot: Int64,
    previous: Int64?, identifyBy: IdentifyBy
  ) {
    let listing = part.value
    guard let pid = listing.pid else { return nil }
    self.server = server
    self.listing = listing
    journalPosition = part.journalPosition
    let rows = listing.rows
    let places = rows.indices.filter { rows[$0].isSession }.map { Int32(truncatingIfNeeded: $0) }
    self.places = places
    let names = NameReader(identifyBy: identifyBy, config: server.endpoint.config)
    report = ServerReport(
      server: server.endpoint.name, boot: boot, pid: pid, at: part.askedAt,
      isComplete: listing.isComplete, previous: previous,
      sightings: Sightings(count: places.count) { names.sighting(rows[Int(places[$0])]) })
  }

  /// What the connection of a server brought.
  ///
  /// - Parameter known: gives the sessions that the ledger knows; asked only where a listing was cut.
  static func all(
    of server: Server, boot: Int64, previous: Int64?, identifyBy: IdentifyBy,
    known: () throws -> [OpenSession]
  ) throws -> [Observation] {
    guard let received = server.connection?.listing,
      let whole = Observation(
        server, received.whole, boot: boot, previous: previous, identifyBy: identifyBy)
    else { return [] }
    server.listingFailure = received.failure
    guard let plain = received.plain else { return [whole] }
    let seen = Set(whole.listing.rows.map { Array($0.realAddress) })
    let rows = plain.value.rows
    let unseen = rows.indices.filter {
      rows[$0].namesPort && !seen.contains(Array(rows[$0].realAddress))
    }
    let sessions = try known().filter { $0.server == server.endpoint.name }
    let byAddress = Dictionary(grouping: sessions, by: { $0.realAddress ?? "" })
    let rest = Observation(
      server, plain: plain, rows: unseen,
      known: byAddress.compactMapValues { $0.count == 1 ? $0[0] : nil }, boot: boot)
    return [whole] + [rest].compactMap(\.self)
  }

  /// Takes the rows of a listing in format 1. They say neither when a session began nor what its
  /// address in the tunnel is, so only those count whose real address, with its port, is that of
  /// one known session.
  ///
  /// - Parameters:
  ///   - rows: the places of rows that no other listing has.
  ///   - known: the sessions of this server by their real addresses.
  private init?(
    _ server: Server, plain part: ManagementConnection.ReceivedListing.Part, rows: [Int],
    known: [String: OpenSession], boot: Int64
  ) {
    let listing = part.value
    guard let pid = listing.pid else { return nil }
    self.server = server
    self.listing = listing
    journalPosition = part.journalPosition
    var places: [Int32] = []
    var sightings: [Sighting] = []
    for row in rows {
      let seen = listing.rows[row]
      let real = printable(seen.realAddress)
      guard let session = known[real] else { continue }
      places.append(Int32(truncatingIfNeeded: row))
      sightings.append(
        Sighting(
          connectedSince: session.connectedSince, address: session.address,
          commonName: seen.commonName, owner: nil, realAddress: real,
          counters: Traffic(received: seen.bytesReceived, sent: seen.bytesSent)))
    }
    self.places = places
    let all = sightings
    report = ServerReport(
      server: server.endpoint.name, boot: boot, pid: pid, at: part.askedAt, isComplete: false,
      sightings: Sightings(count: all.count) { all[$0] })
  }

  /// The row that a session was seen in.
  func row(of session: LiveSession) -> StatusRow { listing.rows[Int(places[session.sighting])] }
}

extension ManagementConnection.ReceivedListing {
  /// What is wrong with it although it came to an answer.
  var failure: ServerFailure? {
    let malformed = parts.reduce(0) { $0 + $1.value.malformedRows }
    if whole.value.isTruncated {
      let last = whole.value.rows.last.map { printable($0.commonName) } ?? "its first row"
      return .truncated(lastRow: last, othersCounted: plain?.value.isTruncated == false)
    }
    return malformed > 0 ? .malformedRows(malformed) : nil
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
