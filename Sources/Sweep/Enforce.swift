import Ledger
import OpenVPN
import Quota
import Support
import System

/// A session to disconnect.
struct Target {
  /// Its number in the ledger; nil for a stranger who is not metered.
  let session: Int64?
  /// The address inside the tunnel, else where the client is.
  let address: String
  let owner: UserName
  let reason: Reason
  /// What the client is sent; nil for what goes with the reason.
  let message: [UInt8]?
  /// Earlier attempts to disconnect it that it outlived.
  let kills: Int64
  /// When the last of them was, in seconds since 1970.
  let killedAt: Int64?
  /// How its row is found again in another listing.
  let key: RowKey
  /// The commands that did not find it in this sweep.
  fileprivate var failed: Set<Way> = []

  /// The ways to have a server drop a client at once.
  fileprivate enum Way { case address, name }

  init(
    _ session: ListedSession, in observation: Observation, owner: UserName, reason: Reason,
    address: String, message: [UInt8]? = nil
  ) {
    self.session = session.session
    self.address = address
    self.owner = owner
    self.reason = reason
    self.message = message
    kills = session.kills
    killedAt = session.killedAt
    key = RowKey(observation.row(of: session))
  }

  /// The session for a message: who, and which.
  var name: String { "\(owner) (\(address))" }
}

/// What a row is known by from one listing to the next, within seconds.
enum RowKey: Hashable {
  case session(since: Int64, address: [UInt8])
  /// On a tap server without a pool.
  case bridged(since: Int64, realAddress: [UInt8])
  /// In format 1, or of what is no session.
  case client(realAddress: [UInt8])

  init(_ row: StatusRow) {
    if row.isSession, let since = row.connectedSince {
      self =
        row.address.isEmpty
        ? .bridged(since: since, realAddress: Array(row.realAddress))
        : .session(since: since, address: Array(row.address))
    } else {
      self = .client(realAddress: Array(row.realAddress))
    }
  }
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
/// asked for, and each violator's row is looked up again.
struct Enforcer {
  let server: Server
  private var targets: ArraySlice<Target>
  private let keysToGo: Set<RowKey>
  private let message: KillMessage
  private let pid: Int64?
  private var rows: [RowKey: StatusRow] = [:]
  private var listing: ManagementConnection.ReceivedListing?
  private var asked: (target: Target, way: Target.Way?)?
  private var isListing = false
  /// The sessions that were disconnected.
  private(set) var done: [Target] = []
  /// Those that could not be, and why.
  private(set) var problems: [String] = []

  /// How long a client id from a listing may be used.
  private static let validity = Duration.seconds(2)
  /// Tries by client id before the server is told to drop the client without a word to it.
  private static let politeKills: Int64 = 2

  init(_ server: Server, _ targets: [Target], message: KillMessage) {
    self.server = server
    self.targets = targets[...]
    keysToGo = Set(targets.map(\.key))
    self.message = message
    pid = server.connection?.listing?.whole.value.pid
    if let listing = server.connection?.listing { take(listing) }
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
      take(listing)
    }
    if asked != nil {
      guard let reply = connection.nextReply() else { return }
      settle(reply)
    }
    guard !targets.isEmpty else { return }
    if listing.map({ now - $0.at > Enforcer.validity }) ?? true {
      isListing = true
      return connection.askForListing()
    }
    sendNext(to: connection)
  }

  /// What the end of the connection left undone. A restart ends every session by itself.
  mutating func giveUp() {
    let left = [asked?.target].compactMap(\.self) + targets
    let failure = server.connection?.failure
    if left.isEmpty || failure == .conversation(.restarting) { return }
    let cause = failure?.message ?? "there was no time left"
    problems += left.map { "\($0.name) was not disconnected: \(cause)" }
  }

  private mutating func sendNext(to connection: ManagementConnection) {
    while let target = targets.popFirst() {
      // A client that left meanwhile needs no kill.
      guard let row = rows[target.key] else { continue }
      do throws(EnforcementError) {
        let (command, way) = try command(for: target, row, connection.version)
        connection.ask(command)
        asked = (target, way)
        return
      } catch {
        problems.append("\(target.name) cannot be disconnected: \(error)")
      }
    }
  }

  /// How to get rid of a client: by its id with a message that it obeys. If that was tried twice, or
  /// the server gives no id, by its address; else by its name, if every client of that name has to go; else by
  /// its id once more.
  private func command(
    for target: Target, _ row: StatusRow, _ version: Int
  ) throws(EnforcementError) -> (ManagementCommand, Target.Way?) {
    var polite: ManagementCommand?
    if let id = row.clientID {
      do throws(UnsendableText) {
        polite = try .clientKill(id, message: target.message ?? message.bytes(for: target.reason))
      } catch {
        throw .unsendable(error)
      }
    }
    if let polite, target.kills < Enforcer.politeKills { return (polite, nil) }
    // From 2.7 on, whose interface is version 6, `kill` takes an address without protocol for a name.
    if !target.failed.contains(.address), let address = row.killAddress,
      address.namesProtocol || version < 6
    {
      return (.kill(address: address), .address)
    }
    var problem = EnforcementError.sharedName
    if !target.failed.contains(.name), !mayStay(clientNamed: row.commonName) {
      do throws(UnsendableText) {
        return (try .kill(name: row.commonName), .name)
      } catch {
        problem = .unsendable(error)
      }
    }
    guard let polite else { throw problem }
    return (polite, nil)
  }

  /// Whether a client with this name may stay, or is perhaps in a part of a listing that is missing.
  /// Clients that are not let in yet do not count, as far as a listing can tell.
  private func mayStay(clientNamed name: ArraySlice<UInt8>) -> Bool {
    guard let listing, let last = listing.parts.last, !last.value.isTruncated else { return true }
    var known = Set(rows.values.map { Array($0.realAddress) })
    if listing.plain != nil {
      known.formUnion(
        listing.whole.value.rows.filter { !$0.isSession }.map { Array($0.realAddress) })
    }
    return last.value.rows.contains { row in
      row.commonName.elementsEqual(name)
        && (last.value.isPlain
          ? !known.contains(Array(row.realAddress))
          : row.isSession && !keysToGo.contains(RowKey(row)))
    }
  }

  private mutating func take(_ listing: ManagementConnection.ReceivedListing) {
    self.listing = listing
    rows = [:]
    if keysToGo.isEmpty { return }
    let wantsClients = keysToGo.contains { if case .client = $0 { true } else { false } }
    // What a whole listing says of a client is more than what one in format 1 does.
    for part in listing.parts.reversed() where part.value.pid == pid {
      for row in part.value.rows {
        let key = RowKey(row)
        if keysToGo.contains(key) { rows[key] = row }
        guard wantsClients else { continue }
        let client = RowKey.client(realAddress: Array(row.realAddress))
        if keysToGo.contains(client) { rows[client] = row }
      }
    }
  }

  /// A client that is not found by its id has gone by itself. By its address or its name the server
  /// may not find one that is there: an IPv4 client on a socket for both families, or one whose name
  /// has just changed.
  private mutating func settle(_ reply: ManagementReply) {
    guard let (answered, way) = asked else { return }
    asked = nil
    if reply.succeeded {
      done.append(answered)
    } else if let way {
      var target = answered
      target.failed.insert(way)
      targets.append(target)
    } else if !reply.text.hasSuffix("command failed") {
      problems.append("\(answered.name) was not disconnected: \(reply.text)")
    }
  }
}

/// An administrator's order to disconnect a user now, whether they may stay or not.
package struct Kick {
  /// Whose sessions are to end.
  package let user: UserName
  /// What each client is sent, as `KILL_MESSAGE` has it.
  package let message: [UInt8]

  /// - Throws: `UnsendableText` for a message that a server does not take.
  package init(user: UserName, message: [UInt8]) throws(UnsendableText) {
    _ = try ManagementCommand.clientKill(0, message: message)
    self.user = user
    self.message = message
  }
}

/// What a client that is disconnected is told.
struct KillMessage {
  /// The setting `KILL_MESSAGE`, which speaks of the quota.
  let setting: [UInt8]

  /// The message for a reason: for others than the quota what the setting has the client do, with
  /// that reason as the text.
  func bytes(for reason: Reason) -> [UInt8] {
    guard reason != .quota, let comma = setting.firstIndex(of: UInt8(ascii: ",")) else {
      return setting
    }
    let text = reason.text.prefix(1).uppercased() + reason.text.dropFirst()
    return Array(setting[...comma]) + text.utf8
  }
}
