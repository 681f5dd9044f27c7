import System

/// A live session as the access table has it. What is only compared is there as a hash.
package struct AccessSession: Equatable, Sendable {
  /// Which of the table's processes serves it.
  package var process: Int
  package var connectedSince: Int64
  /// The hash of its owner's name.
  package var owner: UInt64
  package var received: Int64
  package var sent: Int64
  package var addresses: VirtualAddresses
  /// The hash of the client's real address with its port, 0 where that is not known.
  package var client: UInt64
  /// The absolute position of its `in` in the journal; nil for a session without one.
  package var position: Int64?

  /// Bytes of a session in the table.
  package static let size = 72
  static let sinceOffset = 8
  static let positionOffset = 32
  static let processOffset = 68

  /// As it stands in the table.
  package func append(to bytes: inout [UInt8]) {
    let start = bytes.appendZeros(Self.size)
    bytes.set(word: owner, at: start)
    bytes.set(integer: connectedSince, at: start + 8)
    bytes.set(integer: received, at: start + 16)
    bytes.set(integer: sent, at: start + 24)
    bytes.set(integer: position ?? -1, at: start + 32)
    bytes.set(word: client, at: start + 40)
    // The unspecified addresses 0.0.0.0 and :: belong to no client.
    if let ipv6 = addresses.ipv6 {
      bytes.set(word: ipv6.high.bigEndian, at: start + 48)
      bytes.set(word: ipv6.low.bigEndian, at: start + 56)
    }
    if let ipv4 = addresses.ipv4 {
      bytes.set(half: UInt32(truncatingIfNeeded: ipv4.low).bigEndian, at: start + 64)
    }
    bytes.set(half: UInt32(clamping: process), at: start + 68)
  }

  /// Reads what `append` wrote.
  init(_ bytes: Span<UInt8>) {
    let position = bytes.integer(at: 32)
    self.init(
      process: Int(bytes.half(at: 68)), connectedSince: bytes.integer(at: 8),
      owner: bytes.word(at: 0), received: bytes.integer(at: 16), sent: bytes.integer(at: 24),
      addresses: VirtualAddresses(
        ipv4: Self.address(low: UInt64(UInt32(bigEndian: bytes.half(at: 64))), isIPv6: false),
        ipv6: Self.address(
          high: UInt64(bigEndian: bytes.word(at: 48)), low: UInt64(bigEndian: bytes.word(at: 56)),
          isIPv6: true)),
      client: bytes.word(at: 40), position: position < 0 ? nil : position)
  }

  package init(
    process: Int, connectedSince: Int64, owner: UInt64, received: Int64, sent: Int64,
    addresses: VirtualAddresses, client: UInt64, position: Int64?
  ) {
    self.process = process
    self.connectedSince = connectedSince
    self.owner = owner
    self.received = received
    self.sent = sent
    self.addresses = addresses
    self.client = client
    self.position = position
  }

  private static func address(
    high: UInt64 = 0, low: UInt64, isIPv6: Bool
  ) -> InternetAddress? {
    high | low == 0 ? nil : InternetAddress(high: high, low: low, isIPv6: isIPv6)
  }
}

/// A server's process in the access table.
package struct AccessProcess: Equatable, Sendable {
  /// The hash of the server's name.
  package var server: UInt64
  package var pid: Int64
  package var serverStart: Int64
  /// The name of its tun or tap device, at most 16 bytes as the kernel has it; empty where that is not
  /// known.
  package var device: [UInt8]

  static let size = 40
  private static let deviceSize = 16

  package init(server: UInt64, pid: Int64, serverStart: Int64, device: [UInt8]) {
    self.server = server
    self.pid = pid
    self.serverStart = serverStart
    self.device = Array(device.prefix(Self.deviceSize))
  }

  /// As it stands in the table.
  package func append(to bytes: inout [UInt8]) {
    bytes.append(word: server)
    bytes.append(integer: pid)
    bytes.append(integer: serverStart)
    bytes += device
    for _ in device.count..<Self.deviceSize { bytes.append(0) }
  }

  init(_ bytes: Span<UInt8>) {
    let device = [UInt8](bytes.extracting(24..<Self.size))
    self.init(
      server: bytes.word(at: 0), pid: bytes.integer(at: 8), serverStart: bytes.integer(at: 16),
      device: Array(device.prefix { $0 != 0 }))
  }
}

extension AccessKey {
  /// The hash of a name.
  package func hash(_ name: [UInt8]) -> UInt64 { hash(name.span) }

  /// The hash of a name.
  package func hash(_ name: Span<UInt8>) -> UInt64 { SipHash.hash(name, self) }

  /// The hash of a client's real address with its port; 0 where that is not known.
  package func hash(clientHost: [UInt8], port: [UInt8]) -> UInt64 {
    if clientHost.isEmpty { return 0 }
    var bytes = clientHost
    bytes.reserveCapacity(clientHost.count + port.count + 1)
    bytes.append(0)
    bytes += port
    return hash(bytes)
  }

  /// The hash by which a session is looked up.
  func hash(server: UInt64, pid: Int64, connectedSince: Int64) -> UInt32 {
    let words = (server, UInt64(bitPattern: pid), UInt64(bitPattern: connectedSince))
    return UInt32(truncatingIfNeeded: SipHash.hash(words, self) >> 32)
  }
}
