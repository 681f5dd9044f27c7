import Quota

/// What one server said of its clients.
package struct ServerReport: Sendable {
  /// The server's name in the settings.
  package let server: String
  package let boot: Int64
  /// The process id that the management interface answered with.
  package let pid: Int64
  /// Seconds since 1970 in UTC at which the listing was asked for, or a little earlier.
  package let at: Int64
  /// Whether the listing came to its end, in a format that tells sessions apart. One that did not
  /// says nothing of what is not in it.
  package let isComplete: Bool
  /// The absolute position of the journal's end just before the listing was asked for.
  package let position: Int64
  /// All rows: sessions, handshakes and refused clients.
  package let clients: ListedClients
  /// The name of the server's tun or tap device as its config has it; empty where that says none.
  package let device: [UInt8]
  /// Gives the names in a row.
  private let names: @Sendable (Int) -> ListedNames

  /// The names that a row of a listing shows.
  package struct ListedNames: Sendable {
    /// The common name, whatever a renegotiation made of it.
    package let commonName: UserName
    /// Whom the row names as the user, by the setting `IDENTIFY_BY`; nil where it cannot tell, as in
    /// the middle of a renegotiation.
    package let owner: UserName?

    package init(commonName: UserName, owner: UserName?) {
      self.commonName = commonName
      self.owner = owner
    }
  }

  /// - Parameter names: gives the names in the row at a place; few are ever asked for.
  package init(
    server: String, boot: Int64, pid: Int64, at: Int64, isComplete: Bool, position: Int64,
    clients: ListedClients, device: [UInt8] = [],
    names: @escaping @Sendable (Int) -> ListedNames
  ) {
    self.server = server
    self.boot = boot
    self.pid = pid
    self.at = at
    self.isComplete = isComplete
    self.position = position
    self.clients = clients
    self.device = device
    self.names = names
  }

  /// The names in the row at a place.
  package func names(at row: Int) -> ListedNames { names(row) }
}

/// The rows of a report. Each is made when it is asked for: what they are made of is in memory already,
/// and there may be a hundred thousand.
package struct ListedClients: RandomAccessCollection, Sendable {
  package let startIndex = 0
  package let endIndex: Int
  private let client: @Sendable (Int) -> ListedClient

  /// - Parameter client: makes the row at a place from 0 to below the count.
  package init(count: Int, _ client: @escaping @Sendable (Int) -> ListedClient) {
    endIndex = count
    self.client = client
  }

  package init(_ clients: [ListedClient]) { self.init(count: clients.count) { clients[$0] } }

  package subscript(position: Int) -> ListedClient { client(position) }
}

/// A live session of a listing that has an owner, or would have one if strangers were metered.
///
/// There may be a hundred thousand, so it is kept small.
package struct ListedSession: Equatable, Sendable {
  /// Its place in the report.
  private let place: Int32
  private let killCount: Int32
  // 0 where there is none: an optional would take twice the room.
  private let idOrNone: Int64
  private let userOrNone: Int64
  private let killedAtOrNone: Int64

  init(row: Int, session: Int64?, user: Int64?, kills: Int64 = 0, killedAt: Int64? = nil) {
    place = Int32(truncatingIfNeeded: row)
    killCount = Int32(clamping: kills)
    idOrNone = session ?? 0
    userOrNone = user ?? 0
    killedAtOrNone = killedAt ?? 0
  }

  /// Its place in the report.
  package var row: Int { Int(place) }
  /// How often its server was told to disconnect it.
  package var kills: Int64 { Int64(killCount) }
  /// When it was told so last, in seconds since 1970.
  package var killedAt: Int64? { killedAtOrNone == 0 ? nil : killedAtOrNone }
  /// Its number in the ledger; nil for one that is not there.
  package var session: Int64? { idOrNone == 0 ? nil : idOrNone }
  /// The owner's id; nil for a stranger who is not metered.
  var user: Int64? { userOrNone == 0 ? nil : userOrNone }
}
