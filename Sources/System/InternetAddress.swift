import CSystem

package struct InternetAddress: Hashable, Sendable {
  package let isIPv6: Bool
  /// The number that its bytes are, in two halves; the high one of an IPv4 address is 0.
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64, isIPv6: Bool) {
    self.high = high
    self.low = low
    self.isIPv6 = isIPv6
  }

  /// - Parameter bytes: 4 or 16 bytes in network order.
  package init(bytes: [UInt8]) {
    func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
    self.init(
      high: number(bytes.dropLast(8)), low: number(bytes.suffix(8)), isIPv6: bytes.count == 16)
  }

  package var bitCount: Int { isIPv6 ? 128 : 32 }

  /// Its 4 or 16 bytes in network order.
  package var bytes: [UInt8] {
    (isIPv6 ? 0..<16 : 12..<16).map {
      UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - 8 * ($0 & 7)))
    }
  }

  /// Reads an address as OpenVPN writes it. The corresponding C function is `inet_pton`.
  ///
  /// - Returns: nil for what is no such address, the empty text too.
  package init?(ipv4 text: [UInt8]) { self.init(text.span, isIPv6: false) }

  package init?(ipv6 text: [UInt8]) { self.init(text.span, isIPv6: true) }

  package init?(_ text: Span<UInt8>, isIPv6: Bool) {
    if text.isEmpty { return nil }
    var found: (UInt64, UInt64) = (0, 0)
    let isOne = unsafe text.withUnsafeBytes { text in
      unsafe cs_address_bytes(text.baseAddress, text.count, isIPv6 ? 1 : 0, &found) != 0
    }
    guard isOne else { return nil }
    let first = UInt64(bigEndian: found.0)
    self.init(
      high: isIPv6 ? first : 0, low: isIPv6 ? UInt64(bigEndian: found.1) : first >> 32,
      isIPv6: isIPv6)
  }

  /// The address in its usual form. The corresponding C function is `inet_ntop`.
  package var text: String {
    var characters = [CChar](repeating: 0, count: 46)
    unsafe bytes.withUnsafeBytes {
      unsafe cs_address_text($0.baseAddress, isIPv6 ? 1 : 0, &characters)
    }
    return unsafe String(cString: &characters)
  }
}

/// The addresses that have their leading bits in common.
package struct InternetNetwork: Hashable, Sendable, CustomStringConvertible {
  package let address: InternetAddress
  /// How many leading bits count: 0 to 32 or, for IPv6, to 128.
  package let prefix: Int

  /// The network of so many leading bits that an address is in; nil where it has fewer bits.
  package init?(of address: InternetAddress, prefix: Int) {
    let others = address.bitCount - prefix
    guard prefix >= 0, others >= 0 else { return nil }
    self.prefix = prefix
    self.address = InternetAddress(
      high: address.high & (UInt64.max << max(0, others - 64)),
      low: address.low & (UInt64.max << others), isIPv6: address.isIPv6)
  }

  package init(_ address: InternetAddress) {
    self.address = address
    prefix = address.bitCount
  }

  /// Reads `192.0.2.0/24`, `fd00::/64`, or an address alone.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard 1...2 ~= parts.count else { return nil }
    let written = Array(parts[0].utf8)
    guard let address = InternetAddress(ipv4: written) ?? InternetAddress(ipv6: written) else {
      return nil
    }
    if parts.count == 1 {
      self.init(address)
    } else {
      guard 1...3 ~= parts[1].utf8.count, parts[1].utf8.allSatisfy({ 48...57 ~= $0 }),
        let prefix = Int(parts[1])
      else { return nil }
      self.init(of: address, prefix: prefix)
    }
  }

  package var isHost: Bool { prefix == address.bitCount }

  /// `192.0.2.0/24`, or the address alone where it is just one.
  package var description: String { isHost ? address.text : "\(address.text)/\(prefix)" }
}
