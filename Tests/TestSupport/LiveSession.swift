import Gate

/// A live session by the names and texts that hooks have.
package struct LiveSession: Equatable, Sendable {
  package var server: [UInt8]
  package var pid: Int64
  package var serverStart: Int64
  package var connectedSince: Int64
  package var owner: [UInt8]
  package var received: Int64
  package var sent: Int64
  package var addresses: VirtualAddresses
  package var device: [UInt8]
  package var clientHost: [UInt8]
  package var clientPort: [UInt8]
  package var position: Int64?

  package init(
    server: [UInt8], pid: Int64, serverStart: Int64, connectedSince: Int64, owner: [UInt8],
    received: Int64 = 0, sent: Int64 = 0,
    addresses: VirtualAddresses = VirtualAddresses(ipv4: nil, ipv6: nil), device: [UInt8] = [],
    clientHost: [UInt8] = [], clientPort: [UInt8] = [], position: Int64? = nil
  ) {
    self.server = server
    self.pid = pid
    self.serverStart = serverStart
    self.connectedSince = connectedSince
    self.owner = owner
    self.received = received
    self.sent = sent
    self.addresses = addresses
    self.device = device
    self.clientHost = clientHost
    self.clientPort = clientPort
    self.position = position
  }
}

extension AccessWriter {
  /// Adds a live session.
  package mutating func add(_ session: LiveSession) {
    let process = number(
      of: AccessProcess(
        server: key.hash(session.server), pid: session.pid, serverStart: session.serverStart,
        device: session.device))
    add(
      AccessSession(
        process: process, connectedSince: session.connectedSince,
        owner: hash(of: session.owner.span), received: session.received, sent: session.sent,
        addresses: session.addresses,
        client: key.hash(clientHost: session.clientHost, port: session.clientPort),
        position: session.position))
  }

  /// Puts a user in the table.
  package mutating func add(_ user: AccessUser, named name: [UInt8]) {
    put(user, named: hash(of: name.span))
  }
}
