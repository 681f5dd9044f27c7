import Testing

@testable import Support

@Suite struct OpenDestinationTests {
  struct Parts: Equatable {
    let address: String
    let prefix: Int
    let port: UInt16?
    let transport: OpenDestination.Transport?
  }

  func read(_ text: String) -> Parts? {
    OpenDestination(text).map {
      Parts(
        address: $0.network.address.text, prefix: $0.network.prefix, port: $0.port,
        transport: $0.transport)
    }
  }

  @Test func `A destination is an address or a network, with port and protocol or without`() {
    let examples: [(String, Parts)] = [
      ("10.8.0.1", Parts(address: "10.8.0.1", prefix: 32, port: nil, transport: nil)),
      ("10.8.0.1:53", Parts(address: "10.8.0.1", prefix: 32, port: 53, transport: nil)),
      ("192.0.2.7:80/tcp", Parts(address: "192.0.2.7", prefix: 32, port: 80, transport: .tcp)),
      ("192.0.2.77/26:1/udp", Parts(address: "192.0.2.64", prefix: 26, port: 1, transport: .udp)),
      ("10.8.0.1/udp", Parts(address: "10.8.0.1", prefix: 32, port: nil, transport: .udp)),
      ("0.0.0.0/0:53", Parts(address: "0.0.0.0", prefix: 0, port: 53, transport: nil)),
      ("fd00::1", Parts(address: "fd00::1", prefix: 128, port: nil, transport: nil)),
      ("[fd00::1]:53/udp", Parts(address: "fd00::1", prefix: 128, port: 53, transport: .udp)),
      ("fd00::1/64", Parts(address: "fd00::", prefix: 64, port: nil, transport: nil)),
      ("[fd00::ff/60]:53", Parts(address: "fd00::", prefix: 60, port: 53, transport: nil)),
      ("[fd00::1]", Parts(address: "fd00::1", prefix: 128, port: nil, transport: nil)),
      ("1.2.3.4:65535", Parts(address: "1.2.3.4", prefix: 32, port: 65535, transport: nil)),
    ]
    for (text, parts) in examples { #expect(read(text) == parts, "\(text)") }
  }

  @Test func `Anything else is no destination`() {
    let others = [
      "", "dns", ":53", "10.8.0.1:", "10.8.0.1:0", "10.8.0.1:65536", "10.8.0.1:dns", "10.8.0:53",
      "10.8.0.1/33", "10.8.0.1/", "10.8.0.1/-1", "10.8.0.1/24/8", "10.8.0.1:53/sctp", "/tcp",
      "10.8.0.1:53/TCP", "fd00::1/129", "[fd00::1", "fd00::1]", "[fd00::1]53", "[fd00::1]:",
      "[10.8.0.1]:53", "[]:53", "fd00::1%eth0", "10.8.0.1:53:53", "10.8.0.1; flush ruleset",
      "10.8.0.1\u{0}", "10.8.0.1:５３",
    ]
    for text in others { #expect(OpenDestination(text) == nil, "\(text)") }
  }
}
