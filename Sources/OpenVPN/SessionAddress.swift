/// The third part of a session's identity, beside the server's process and the connected-since
/// time: the address the server gave the client.
///
/// The one rule for listings and hooks alike: the virtual IPv4 address, else the virtual IPv6
/// address, else (on a tap server without a pool, where clients bring their own addresses) `@` and
/// the common name.
package struct SessionAddress: Hashable, Sendable, CustomStringConvertible {
  /// The address as text: ASCII letters, digits and `.:@-_+%`, so it is safe in a file name. Other
  /// bytes of a common name are percent-encoded, and different names stay different.
  package let text: String

  /// Takes the rule's first that is not empty.
  ///
  /// - Returns: nil if all three are empty, or an address is not made of hexadecimal digits, dots
  ///   and colons, or is longer than 45 bytes.
  package init?(
    ipv4: ArraySlice<UInt8>, ipv6: ArraySlice<UInt8>, commonName: ArraySlice<UInt8>
  ) {
    let address = ipv4.isEmpty ? ipv6 : ipv4
    if !address.isEmpty {
      guard address.count <= 45, address.allSatisfy(Self.isOfAddress) else { return nil }
      text = String(decoding: address, as: UTF8.self)
    } else {
      guard !commonName.isEmpty else { return nil }
      text = String(decoding: Self.encoded(commonName), as: UTF8.self)
    }
  }

  package var description: String { text }

  private static func encoded(_ name: ArraySlice<UInt8>) -> [UInt8] {
    let digits: StaticString = "0123456789ABCDEF"
    var bytes = [UInt8(ascii: "@")]
    bytes.reserveCapacity(1 + name.count)
    for byte in name {
      if isPlain(byte) {
        bytes.append(byte)
      } else {
        bytes.append(UInt8(ascii: "%"))
        unsafe bytes.append(digits.utf8Start[Int(byte >> 4)])
        unsafe bytes.append(digits.utf8Start[Int(byte & 15)])
      }
    }
    return bytes
  }

  private static func isOfAddress(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "."), UInt8(ascii: ":"):
      true
    default: false
    }
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "@"), UInt8(ascii: ":"):
      true
    default: false
    }
  }
}
