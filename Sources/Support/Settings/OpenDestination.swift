import System

/// Where everybody may always send, at full speed, whatever their quota: one entry of `FENCE_OPEN`.
package struct OpenDestination: Hashable, Sendable {
  package enum Transport: String, Sendable { case tcp, udp }

  package let network: InternetNetwork
  /// The port; nil for all.
  package let port: UInt16?
  /// The protocol; nil for TCP and UDP where there is a port, else for any.
  package let transport: Transport?

  /// Reads `10.8.0.1`, `10.8.0.1:53`, `192.0.2.0/24:80/tcp`, `fd00::/64`, `[fd00::1]:53/udp`.
  ///
  /// - Returns: nil for anything else. Bits of the address behind the prefix are made zero.
  package init?(_ text: String) {
    var rest = text[...]
    transport = ["/tcp", "/udp"].first { rest.hasSuffix($0) }.flatMap {
      rest = rest.dropLast($0.utf8.count)
      return Transport(rawValue: String($0.dropFirst()))
    }
    var network = rest
    var port: UInt16?
    let colons = rest.utf8.count { $0 == UInt8(ascii: ":") }
    if rest.first == "[" || colons == 1 {
      let end = rest.lastIndex(of: rest.first == "[" ? "]" : ":") ?? rest.endIndex
      network = rest[..<end]
      var behind = rest[end...]
      if rest.first == "[" {
        guard behind.first == "]" else { return nil }
        network = network.dropFirst()
        behind = behind.dropFirst()
        guard network.contains(":") else { return nil }
      }
      if !behind.isEmpty {
        guard behind.first == ":", let number = Self.number(behind.dropFirst(), atMost: 65535),
          number > 0
        else { return nil }
        port = UInt16(number)
      }
    }
    self.port = port
    guard let known = InternetNetwork(network) else { return nil }
    self.network = known
  }

  private static func number(_ digits: Substring, atMost largest: Int) -> Int? {
    guard 1...5 ~= digits.utf8.count, digits.utf8.allSatisfy({ 48...57 ~= $0 }),
      let number = Int(digits), number <= largest
    else { return nil }
    return number
  }
}
