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
