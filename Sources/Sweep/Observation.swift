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
  let report: ServerReport
  /// What came of it.
  var result = ListingResult()
  /// The sessions that may be judged.
  var live: [ListedSession] { result.live }
  /// The place in the listing of each of the report's rows; empty where all are in it.
  private let places: [Int]

  /// What the connection of a server brought.
  static func all(of server: Server, boot: Int64, _ settings: Settings) -> [Observation] {
    guard let received = server.connection?.listing else { return [] }
    server.listingFailure = received.failure
    let whole = Observation(server, received.whole, boot: boot, settings)
    guard let whole else { return [] }
    guard let plain = received.plain else { return [whole] }
    // Format 1 says neither when a session began nor what its address in the tunnel is, so only rows
    // with a port count, which is one session's.
    let seen = Set(whole.listing.rows.map { Array($0.realAddress) })
    let rows = plain.value.rows
    let unseen = rows.indices.filter {
      rows[$0].namesPort && !seen.contains(Array(rows[$0].realAddress))
    }
    let rest = Observation(server, plain, rows: unseen, boot: boot, settings)
    return [whole] + [rest].compactMap(\.self)
  }

  /// - Parameter places: the only rows to take; nil for all.
  private init?(
    _ server: Server, _ part: ManagementConnection.ReceivedListing.Part, rows places: [Int]? = nil,
    boot: Int64, _ settings: Settings
  ) {
    let listing = part.value
    guard let pid = listing.pid else { return nil }
    self.server = server
    self.listing = listing
    self.places = places ?? []
    let rows = listing.rows
    let names = NameReader(settings, config: server.endpoint.config)
    report = ServerReport(
      server: server.endpoint.name, boot: boot, pid: pid, at: part.askedAt,
      isComplete: listing.isComplete && !listing.isPlain, position: part.journalPosition,
      clients: ListedClients(count: places?.count ?? rows.count) {
        ListedClient(rows[places?[$0] ?? $0])
      },
      device: Array((server.endpoint.config?.device ?? "").utf8),
      names: { names.names(in: rows[places?[$0] ?? $0]) })
  }

  /// The networks behind clients, by an address of the client in the tunnel.
  var networks: LastHeard.Networks {
    var networks: LastHeard.Networks = [:]
    if listing.networks.isEmpty { return networks }
    var routed: [[UInt8]: [InternetNetwork]] = [:]
    for route in listing.networks {
      guard let network = InternetNetwork(String(decoding: route.network, as: UTF8.self)) else {
        continue
      }
      routed[route.commonName + [0] + route.realAddress, default: []].append(network)
    }
    for row in listing.rows {
      guard let behind = routed[row.commonName + [0] + row.realAddress],
        let client = InternetAddress(ipv4: Array(row.virtualAddress))
          ?? InternetAddress(ipv6: Array(row.virtualIPv6Address))
      else { continue }
      networks[client] = behind
    }
    return networks
  }

  /// The row that a session was seen in.
  func row(of session: ListedSession) -> StatusRow {
    listing.rows[places.isEmpty ? session.row : places[session.row]]
  }
}

extension ListedClient {
  /// A row of a listing, as far as it is compared with sessions.
  init(_ row: StatusRow) {
    let ipv4 = NetworkAddress(text: row.virtualAddress)
    self.init(
      since: row.connectedSince,
      endpoints: Endpoints(
        real: RealAddress(listed: row.realAddress),
        virtual: ipv4.isNone ? NetworkAddress(text: row.virtualIPv6Address) : ipv4),
      counters: Traffic(received: row.bytesReceived, sent: row.bytesSent),
      // An IPv4 address makes it one.
      isSession: ipv4.isNone ? row.isSession : row.connectedSince != nil)
  }
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
  private let identifyBy: IdentifyBy
  private let spellings: Names
  /// Whether the server puts the username in the place of the common name: then the two differ only
  /// while a renegotiation is under way, and neither can be trusted.
  private let namesAgree: Bool

  private static let undefined = Array("UNDEF".utf8)

  init(_ settings: Settings, config: ServerConfig?) {
    identifyBy = settings.identifyBy
    spellings = settings.names
    namesAgree = config?.usernameAsCommonName != nil
  }

  /// The names in a row.
  func names(in row: StatusRow) -> ServerReport.ListedNames {
    ServerReport.ListedNames(
      commonName: UserName(bytes: Array(row.commonName)),
      owner: owner(of: row).map { UserName(ofClient: $0) })
  }

  private func owner(of row: StatusRow) -> [UInt8]? {
    // Format 1 has no user names.
    if namesAgree, !row.commonName.elementsEqual(row.username) { return nil }
    return identifyBy.user(
      commonName: defined(row.commonName), username: defined(row.username), spellings)
  }

  /// A name in a listing, empty where it stands for none.
  private func defined(_ name: ArraySlice<UInt8>) -> [UInt8] {
    name.elementsEqual(NameReader.undefined) ? [] : Array(name)
  }
}
