import Support
import Ledger
import OpenVPN
import System
import Quota

/// A session to disconnect.
struct Target {
  let identity: SessionIdentity
  let owner: UserName
  let reason: Reason
  /// What the client is sent; nil for what goes with the reason.
  let message: [UInt8]?
  /// Earlier attempts to disconnect it that it outlived.
  let kills: Int64
  /// When the last of them was, in seconds since 1970.
  let killedAt: Int64?
  /// Whether the server did not find the client by its address.
  var hidesItsAddress = false

  init(
    _ session: LiveSession, of report: ServerReport, owner: UserName, reason: Reason,
    message: [UInt8]? = nil
  ) {
    identity = report.identity(of: report.sightings[session.sighting])
    self.owner = owner
    self.reason = reason
    self.message = message
    kills = session.kills
    killedAt = session.killedAt
  }

  /// The session for a message: who, and which.
  var name: String { "\(owner) (\(identity.address))" }
}

/// Why there is no command that would disconnect just this client.
enum EnforcementError: Error, CustomStringConvertible {
  case unsendable(UnsendableText)
  case sharedName

  var description: String {
    switch self {
    case .unsendable(let error): error.description
    case .sharedName: "others share its common name, and they may stay"
    }
  }
}

/// Disconnects violators of one server over the connection that listed them.
///
/// A client id is good for two seconds after the listing that showed it: ids start over at 0 when
/// the server restarts its sessions, on the same connection. So with an older listing a new one is
/// asked for, and each violator is matched again by what identifies a session.
struct Enforcer {
  let server: Server
  private var targets: ArraySlice<Target>
  private let everybodyToGo: Set<SessionIdentity>
  private let message: KillMessage
  private let boot: Int64
  private let pid: Int64
  private var rows: [SessionIdentity: StatusRow] = [:]
  private var listing: StatusListing?
  private var rowsAt: Duration = .zero
  private var asked: Target?
  private var isListing = false
  /// Who was disconnected.
  private(set) var done: [Target] = []
  /// Who could not be, and why.
  private(set) var problems: [String] = []

  /// How long a client id from a listing may be used.
  private static let validity = Duration.seconds(2)
  /// Tries by client id before the server is told to drop the client without a word to it.
  private static let politeKills: Int64 = 2

  init(_ observation: Observation, _ targets: [Target], message: KillMessage) {
    server = observation.server
    self.targets = targets[...]
    everybodyToGo = Set(targets.map(\.identity))
    self.message = message
    boot = observation.report.boot
    pid = observation.report.pid
    if let listing = server.connection?.listing { take(listing.value, at: listing.at) }
  }

  /// Whether all is said and answered, or nothing more can be.
  var isFinished: Bool {
    server.connection?.isOver != false || (targets.isEmpty && asked == nil)
  }

  /// Goes on as far as it can without waiting.
  mutating func proceed(_ now: Duration) {
    guard let connection = server.connection, !connection.isOver else { return }
    if isListing {
      guard let listing = connection.listing else { return }
      isListing = false
      take(listing.value, at: listing.at)
    }
    if asked != nil {
      guard let reply = connection.nextReply() else { return }
      settle(reply)
    }
    guard !targets.isEmpty else { return }
    if now - rowsAt > Enforcer.validity {
      isListing = true
      return connection.askForListing()
    }
    sendNext(to: connection)
  }

  /// What the end of the connection left undone.
  mutating func giveUp() {
    let left = [asked].compactMap(\.self) + targets
    if left.isEmpty { return }
    let cause = server.connection?.failure?.message ?? "there was no time left"
    problems += left.map { "\($0.name) was not disconnected: \(cause)" }
  }

  private mutating func sendNext(to connection: ManagementConnection) {
    while let target = targets.popFirst() {
      // Who left meanwhile needs no kill.
      guard let row = rows[target.identity] else { continue }
      do throws(EnforcementError) {
        connection.ask(try command(for: target, row, connection.version))
        asked = target
        return
      } catch {
        problems.append("\(target.name) cannot be disconnected: \(error)")
      }
    }
  }

  /// How to get rid of a client: by its id with a message it obeys; if that was tried twice or the
  /// server gives no ids, by its address, else by a name that nobody shares who may stay.
  private func command(
    for target: Target, _ row: StatusRow, _ version: Int
  ) throws(EnforcementError) -> ManagementCommand {
    do throws(UnsendableText) {
      if let id = row.clientID, target.kills < Enforcer.politeKills {
        return try .clientKill(id, message: target.message ?? message.bytes(for: target.reason))
      }
      // From 2.7 on, whose interface is version 6, `kill` takes a plain IP:port for a name.
      if version < 6, !target.hidesItsAddress, let address = row.killableAddress {
        return .kill(address: address)
      }
      if !mayStay(anybodyNamed: row.commonName) { return try .kill(name: row.commonName) }
    } catch {
      throw .unsendable(error)
    }
    throw .sharedName
  }

  /// Whether the listing has a row of this name, be it a session or not yet one, that is not of
  /// somebody who has to go.
  private func mayStay(anybodyNamed name: ArraySlice<UInt8>) -> Bool {
    listing?.rows.contains { row in
      row.commonName.elementsEqual(name)
        && identity(of: row).map { !everybodyToGo.contains($0) } ?? true
    } ?? true
  }

  private func identity(of row: StatusRow) -> SessionIdentity? {
    guard row.isSession, let since = row.connectedSince, let address = row.address else {
      return nil
    }
    return SessionIdentity(boot: boot, pid: pid, connectedSince: since, address: address.text)
  }

  private mutating func take(_ listing: StatusListing, at time: Duration) {
    rowsAt = time
    self.listing = listing
    rows = [:]
    // Another process has taken the address over: nobody of the old one is left.
    guard listing.pid == pid, !everybodyToGo.isEmpty else { return }
    for row in listing.rows {
      if let identity = identity(of: row), everybodyToGo.contains(identity) { rows[identity] = row }
    }
  }

  /// A client that is not found has gone by itself. Only by its address the server may not find one
  /// that is there: an IPv4 client on a socket for both families.
  private mutating func settle(_ reply: ManagementReply) {
    guard var target = asked else { return }
    asked = nil
    let isUnknown = reply.text.hasSuffix("not found") || reply.text.hasSuffix("command failed")
    if reply.succeeded {
      done.append(target)
    } else if !isUnknown {
      problems.append("\(target.name) was not disconnected: \(reply.text)")
    } else if reply.text.hasPrefix("client at address") {
      target.hidesItsAddress = true
      targets.append(target)
    }
  }
}
