import Quota
import Support
import System

/// What holds for everybody: the chains of the table, and the sets and maps that they look things up in.
package struct FenceRules: Equatable, Sendable {
  /// The table that is ours, as nft names it.
  package static let table = "inet openvpn_quota"

  let count: Count
  let open: [OpenDestination]
  let packets: PacketCount

  /// - Parameters:
  ///   - count: the setting `COUNT`.
  ///   - open: the setting `FENCE_OPEN`.
  ///   - mtu: the largest of the tunnel devices' MTUs, in bytes.
  package init(count: Count, open: [OpenDestination] = [], mtu: Int64 = 1500) {
    self.count = count
    self.open = open
    packets = PacketCount(mtu: mtu)
  }

  var checksum: UInt64 { System.checksum(Array(text.utf8).span) }

  /// The table without its elements. Chains run before others may change addresses.
  var text: String {
    """
    table \(Self.table) {
      set generation { type mark; }
      set tunnels { type ifname; }
      set refused4 { type ifname . ipv4_addr; }
      set refused6 { type ifname . ipv6_addr; }
      map quota4 { type ifname . ipv4_addr : quota; }
      map quota6 { type ifname . ipv6_addr : quota; }
      chain refuse {
        meta l4proto tcp reject with tcp reset
        reject
      }
      chain from_tunnel {
        type filter hook prerouting priority mangle; policy accept;
        iifname != @tunnels accept
    \(lines(fromTunnel))
      }
      chain to_tunnel {
        type filter hook postrouting priority mangle; policy accept;
        oifname != @tunnels accept
    \(lines(toTunnel))
      }
    }

    """
  }

  private func lines(_ rules: [String]) -> String {
    rules.map { "    " + $0 }.joined(separator: "\n")
  }

  private var fromTunnel: [String] {
    let families = ["ip", "ip6"].map { Family($0, device: "iifname", side: "saddr") }
    return open.map { "\(match($0, side: "daddr", port: "dport")) accept" }
      + families.map { "\($0.key) @refused\($0.suffix) goto refuse" }
      + (count == .sent ? [] : families.flatMap { quota($0, packets.small, "goto refuse") })
  }

  private var toTunnel: [String] {
    let families = ["ip", "ip6"].map { Family($0, device: "oifname", side: "daddr") }
    return open.map { "\(match($0, side: "saddr", port: "sport")) accept" }
      // What `refuse` answers has to arrive.
      + [
        "tcp flags rst meta length <= 60 accept", "icmp type destination-unreachable accept",
        "icmpv6 type destination-unreachable accept",
      ]
      + families.map { "\($0.key) @refused\($0.suffix) drop" }
      + (count == .received
        ? []
        : families.flatMap {
          quota($0, packets.joined(isIPv6: $0.suffix == "6") + packets.small, "drop")
        })
  }

  private struct Family {
    let key: String
    let suffix: String

    init(_ name: String, device: String, side: String) {
      key = "\(device) . \(name) \(side)"
      suffix = name == "ip" ? "4" : "6"
    }
  }

  private func quota(_ family: Family, _ shares: [PacketCount.Share], _ verdict: String) -> [String]
  {
    let lookup = "quota name \(family.key) map @quota\(family.suffix)"
    return shares.map { "\($0.text) \(lookup)" } + ["\(lookup) \(verdict)"]
  }

  private func match(_ destination: OpenDestination, side: String, port: String) -> String {
    let family = destination.address.bytes.count == 4 ? "ip" : "ip6"
    let network = "\(family) \(side) \(destination.address.text)/\(destination.prefix)"
    let transport = destination.transport?.rawValue
    guard let number = destination.port else {
      return network + (transport.map { " meta l4proto \($0)" } ?? "")
    }
    return transport.map { "\(network) \($0) \(port) \(number)" }
      ?? "\(network) meta l4proto { tcp, udp } th \(port) \(number)"
  }
}
