/// The addresses that have their leading bits in common.
package struct InternetNetwork: Hashable, Sendable, CustomStringConvertible {
  package let address: InternetAddress
  /// How many leading bits count: 0 to 32 or, for IPv6, to 128.
  package let prefix: Int

  /// The network of so many leading bits that an address is in; nil where it has fewer bits.
  package init?(of address: InternetAddress, prefix: Int) {
    guard 0...address.bytes.count * 8 ~= prefix else { return nil }
    self.prefix = prefix
    self.address = InternetAddress(
      bytes: address.bytes.enumerated().map { index, byte in
        byte & ~UInt8(truncatingIfNeeded: 0xFF >> max(0, min(8, prefix - index * 8)))
      })
  }

  package init(_ address: InternetAddress) {
    self.address = address
    prefix = address.bytes.count * 8
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

  package var isHost: Bool { prefix == address.bytes.count * 8 }

  /// `192.0.2.0/24`, or the address alone where it is just one.
  package var description: String { isHost ? address.text : "\(address.text)/\(prefix)" }
}
