/// One client of the server: a client instance, as OpenVPN calls it.
final class Session {
  enum Stage {
    /// The TLS handshake is not far enough to know a name.
    case handshake
    /// The name is known, client-connect has not answered.
    case deferred
    /// In.
    case connected
  }

  enum Fate {
    case live
    /// Its disconnect hook ran.
    case left
    /// It went without a hook.
    case dropped
    /// client-connect said no.
    case refused
  }

  /// Never given again, unlike the client id.
  let serial: Int
  let clientID: UInt
  /// The common name at the door.
  let owner: Text
  /// The name a listing or a hook shows now; nil reads `UNDEF`.
  var commonName: Text?
  var username: Text?
  /// Where the first packet came from.
  let origin: Endpoint
  var endpoint: Endpoint
  /// Virtual addresses; empty for none.
  var address: String
  var address6: String
  /// Start in seconds since 1970.
  let since: Int64
  var received: UInt64
  var sent: UInt64
  var stage: Stage
  var fate = Fate.live
  /// When a killed session goes, on the monotonic clock.
  var lingersUntil: Duration?
  /// The control message of the last `client-kill`.
  var message: Text?

  init(
    serial: Int, clientID: UInt, owner: Text, username: Text?, origin: Endpoint, address: String,
    address6: String, since: Int64, received: UInt64, sent: UInt64, stage: Stage
  ) {
    self.serial = serial
    self.clientID = clientID
    self.owner = owner
    commonName = stage == .handshake ? nil : owner
    self.username = username
    self.origin = origin
    endpoint = origin
    self.address = address
    self.address6 = address6
    self.since = since
    self.received = received
    self.sent = sent
    self.stage = stage
  }

  /// What `status` and `kill` know it by.
  var listedName: Text { commonName ?? Text("UNDEF".utf8) }
}
