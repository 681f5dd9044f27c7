import System

/// One client in a listing.
package struct StatusRow: Sendable {
  let bytes: [UInt8]
  let record: StatusRecord

  /// The name in the client's certificate, or what has taken its place; `UNDEF` before the
  /// handshake is far enough. Any byte but TAB, CR, LF and other control bytes may be in it.
  package var commonName: ArraySlice<UInt8> { bytes[record.range(record.commonName)] }

  /// Where the client is: `10.77.0.2:35040`, `fd77::5` without a port up to OpenVPN 2.6,
  /// `udp4:10.77.0.2:35040` or `udp6:[fd77::5]:35040` from 2.7. It moves when the client does.
  package var realAddress: ArraySlice<UInt8> { bytes[record.range(record.realAddress)] }

  /// The IPv4 address the server gave it, empty if none.
  package var virtualAddress: ArraySlice<UInt8> { bytes[record.range(record.virtualAddress)] }

  /// The IPv6 address the server gave it, empty if none or before OpenVPN 2.4.
  package var virtualIPv6Address: ArraySlice<UInt8> {
    bytes[record.range(record.virtualIPv6Address)]
  }

  /// The name it logged in with, `UNDEF` without a login; empty in format 1.
  package var username: ArraySlice<UInt8> { bytes[record.range(record.username)] }

  /// Bytes from the client since it connected; what is beyond `Int64.max` is `Int64.max`.
  package var bytesReceived: Int64 { record.bytesReceived }

  /// Bytes to the client since it connected; what is beyond `Int64.max` is `Int64.max`.
  package var bytesSent: Int64 { record.bytesSent }

  /// When it connected, in seconds since 1970: the `time_unix` of its hooks. Nil in format 1.
  package var connectedSince: Int64? { record.connectedSince }

  /// What `client-kill` takes; nil before OpenVPN 2.4 and in format 1. Good for two seconds.
  package var clientID: UInt64? { record.clientID }

  /// The address the server gave it, IPv4 or else IPv6; empty if none.
  package var address: ArraySlice<UInt8> {
    virtualAddress.isEmpty ? virtualIPv6Address : virtualAddress
  }

  /// Whether this is a session, as far as the row can tell: it has a virtual address or, on a tap
  /// server without a pool, an entry in the routing table. Handshakes, waiting and refused clients
  /// are rows, not sessions, and so is every row of format 1, which cannot tell.
  package var isSession: Bool {
    guard record.connectedSince != nil else { return false }
    if address.isEmpty { return record.isRouted && !commonName.isEmpty }
    return address.count <= 45
      && address.allSatisfy { byte in
        hexadecimalDigit(byte) != nil || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
      }
  }

  /// Whether the real address has a port, and so is one client's alone: IPv6 clients are listed
  /// without one up to OpenVPN 2.6.
  package var namesPort: Bool {
    let colon = UInt8(ascii: ":")
    guard let last = realAddress.lastIndex(of: colon) else { return false }
    let host = realAddress[..<last]
    return !host.contains(colon) || host.last == UInt8(ascii: "]")
      || host.starts(with: "udp".utf8) || host.starts(with: "tcp".utf8)
  }

  /// What `kill` by address takes; nil where it would not find this client.
  package var killAddress: KillAddress? { KillAddress(realAddress: realAddress) }
}

/// A row as ranges of a text, and its numbers. Small, as there may be tens of thousands.
struct StatusRecord: Sendable {
  /// A part of the text, from the row's place on: lines have less than 64 KiB.
  struct Field: Sendable {
    var offset: UInt16 = 0
    var count: UInt16 = 0
  }

  var line: UInt32
  var commonName = Field()
  var realAddress = Field()
  var virtualAddress = Field()
  var virtualIPv6Address = Field()
  var username = Field()
  var bytesReceived: Int64 = 0
  var bytesSent: Int64 = 0
  var connectedSince: Int64?
  var clientID: UInt64?
  /// Whether the routing table has an entry for it; looked up only where there is no address.
  var isRouted = false

  var hasAddress: Bool { virtualAddress.count > 0 || virtualIPv6Address.count > 0 }

  /// The field's place in the text.
  func range(_ field: Field) -> Range<Int> {
    let start = Int(line) + Int(field.offset)
    return start..<start + Int(field.count)
  }
}
