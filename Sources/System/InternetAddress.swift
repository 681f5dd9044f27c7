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
