import System

/// The addresses that a server gave a client; on a tap server without a pool, none.
package struct VirtualAddresses: Equatable, Sendable {
  package var ipv4: InternetAddress?
  package var ipv6: InternetAddress?

  package init(ipv4: InternetAddress?, ipv6: InternetAddress?) {
    self.ipv4 = ipv4
    self.ipv6 = ipv6
  }

  /// Reads addresses as OpenVPN writes them; what is no address is none.
  package init(ipv4: [UInt8], ipv6: [UInt8]) {
    self.init(ipv4: InternetAddress(ipv4: ipv4), ipv6: InternetAddress(ipv6: ipv6))
  }

  /// Whether one of them is the same.
  func shareOne(with other: VirtualAddresses) -> Bool {
    ipv4 != nil && ipv4 == other.ipv4 || ipv6 != nil && ipv6 == other.ipv6
  }
}
