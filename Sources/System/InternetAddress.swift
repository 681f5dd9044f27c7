import CSystem

package struct InternetAddress: Hashable, Sendable {
  /// Its 4 or 16 bytes in network order.
  package let bytes: [UInt8]

  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// Reads an address as OpenVPN writes it. The corresponding C function is `inet_pton`.
  ///
  /// - Returns: nil for what is no such address, the empty text too.
  package init?(ipv4 text: [UInt8]) { self.init(text, isIPv6: false) }

  package init?(ipv6 text: [UInt8]) { self.init(text, isIPv6: true) }

  private init?(_ text: [UInt8], isIPv6: Bool) {
    if text.isEmpty { return nil }
    var found = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
    let isOne = unsafe text.withUnsafeBytes { text in
      unsafe found.withUnsafeMutableBytes { found in
        unsafe cs_address_bytes(text.baseAddress, text.count, isIPv6 ? 1 : 0, found.baseAddress)
          != 0
      }
    }
    guard isOne else { return nil }
    bytes = found
  }

  /// The address in its usual form. The corresponding C function is `inet_ntop`.
  package var text: String {
    var characters = [CChar](repeating: 0, count: 46)
    unsafe bytes.withUnsafeBytes {
      unsafe cs_address_text($0.baseAddress, bytes.count == 16 ? 1 : 0, &characters)
    }
    return unsafe String(cString: &characters)
  }
}
