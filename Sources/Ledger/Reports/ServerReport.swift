import Quota

/// One live session as a server's listing shows it.
package struct Sighting: Equatable, Sendable {
  /// Seconds since 1970 in UTC at which the session began.
  package let connectedSince: Int64
  /// The address inside the tunnel.
  package let address: String
  /// Where the client sends from.
  package let realAddress: String
  /// The session's counters so far.
  package let counters: Traffic
  private let nameBytes: ArraySlice<UInt8>
  private let ownerBytes: ArraySlice<UInt8>?

  /// The common name of the row, whatever a renegotiation made of it.
  package var commonName: UserName { UserName(bytes: Array(nameBytes)) }
  /// Whom the row names as the user, by the setting `IDENTIFY_BY`; nil where the row cannot tell,
  /// as in the middle of a renegotiation. Asked only for a session that nobody has heard of before.
  package var owner: UserName? { ownerBytes.map { UserName(bytes: Array($0)) } }

  /// Takes the names as parts of what they came in: few of them are ever looked at.
  package init(
    connectedSince: Int64, address: String, commonName: ArraySlice<UInt8>,
    owner: ArraySlice<UInt8>?, realAddress: String, counters: Traffic
  ) {
    self.connectedSince = connectedSince
    self.address = address
    nameBytes = commonName
    ownerBytes = owner
    self.realAddress = realAddress
    self.counters = counters
  }

  package init(
    connectedSince: Int64, address: String, commonName: UserName, owner: UserName?,
    realAddress: String, counters: Traffic
  ) {
    self.init(
      connectedSince: connectedSince, address: address, commonName: commonName.bytes[...],
      owner: owner?.bytes[...], realAddress: realAddress, counters: counters)
  }
}

/// The sessions of a report, each made when it is asked for: there may be a hundred thousand.
package struct Sightings: RandomAccessCollection, Sendable {
  private let make: @Sendable (Int) -> Sighting
  package let count: Int

  /// - Parameter make: gives the sighting at a place from 0 up to `count`.
  package init(count: Int, make: @escaping @Sendable (Int) -> Sighting) {
    self.count = count
    self.make = make
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { count }
  package subscript(place: Int) -> Sighting { make(place) }
}

/// What one server said of its live sessions.
package struct ServerReport: Sendable {
  /// The server's name in the settings.
  package let server: String
  package let boot: Int64
  /// The process id that the management interface answered with.
  package let pid: Int64
  /// Seconds since 1970 in UTC at which the listing was asked for, or a little earlier.
  package let at: Int64
  /// Whether the listing came to its end. One that was cut says nothing of who is not in it.
  package let isComplete: Bool
  /// When the server last gave a whole listing before this one; nil where it never did. What has
  /// moved since then was counted by nobody yet.
  package let previous: Int64?
  package let sightings: Sightings

  package init(
    server: String, boot: Int64, pid: Int64, at: Int64, isComplete: Bool, previous: Int64? = nil,
    sightings: Sightings
  ) {
    self.server = server
    self.boot = boot
    self.pid = pid
    self.at = at
    self.isComplete = isComplete
    self.previous = previous
    self.sightings = sightings
  }

  /// The identity of a session in this report.
  package func identity(of sighting: Sighting) -> SessionIdentity {
    SessionIdentity(
      boot: boot, pid: pid, connectedSince: sighting.connectedSince, address: sighting.address)
  }
}

/// Who was let in at the door: what the connect hook's record says.
package struct Admission: Equatable, Sendable {
  package let identity: SessionIdentity
  /// The common name the client came in under.
  package let commonName: UserName
  /// The user the session belongs to from now on.
  package let owner: UserName
  /// Whether another script had the last word after ours, and may have turned the client away.
  package let wasHandedOn: Bool
  /// The server's name by its config; nil where OpenVPN did not say.
  package let server: String?

  package init(
    identity: SessionIdentity, commonName: UserName, owner: UserName, wasHandedOn: Bool = false,
    server: String? = nil
  ) {
    self.identity = identity
    self.commonName = commonName
    self.owner = owner
    self.wasHandedOn = wasHandedOn
    self.server = server
  }
}
