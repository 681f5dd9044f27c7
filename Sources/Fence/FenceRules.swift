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
      set slowing4 { type ifname . ipv4_addr; }
      set slowing6 { type ifname . ipv6_addr; }
    \(rateMaps)
      chain refuse {
        meta l4proto tcp reject with tcp reset
        reject
      }
      chain spent_from {
    \(lines(Side.from.spent + ["goto refuse"]))
      }
      chain spent_to {
    \(lines(Side.to.spent + ["drop"]))
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

  private var rateMaps: String {
    let maps = ["rate", "then"].flatMap { kind in
      [Side.from, .to].flatMap { side in
        ["4", "6"].map { "map \(kind)_\(side.name)\($0) { type ifname . ipv\($0)_addr : limit; }" }
      }
    }
    return maps.map { "  " + $0 }.joined(separator: "\n")
  }

  private var fromTunnel: [String] {
    let side = Side.from
    return open.map { "\(match($0, side: "daddr", port: "dport")) accept" }
      + side.families.map { "\($0.key) @refused\($0.suffix) goto refuse" } + side.rates
      + (count == .sent ? [] : side.families.flatMap { quota($0, packets.small, side) })
  }

  private var toTunnel: [String] {
    let side = Side.to
    return open.map { "\(match($0, side: "saddr", port: "sport")) accept" }
      // What `refuse` answers has to arrive.
      + [
        "tcp flags rst meta length <= 60 accept", "icmp type destination-unreachable accept",
        "icmpv6 type destination-unreachable accept",
      ]
      + side.families.map { "\($0.key) @refused\($0.suffix) drop" } + side.rates
      + (count == .received
        ? []
        : side.families.flatMap {
          quota($0, packets.joined(isIPv6: $0.suffix == "6") + packets.small, side)
        })
  }

  private func quota(
    _ family: Side.Family, _ shares: [PacketCount.Share], _ side: Side
  ) -> [String] {
    let lookup = "quota name \(family.key) map @quota\(family.suffix)"
    return shares.map { "\($0.text) \(lookup)" } + ["\(lookup) goto spent_\(side.name)"]
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

/// One of the directions of packets.
private struct Side {
  let name: String
  /// IPv4 and IPv6.
  let families: [Family]

  struct Family {
    /// What a packet is looked up by.
    let key: String
    let suffix: String
  }

  static let from = Side(name: "from", device: "iifname", address: "saddr")
  static let to = Side(name: "to", device: "oifname", address: "daddr")

  private init(name: String, device: String, address: String) {
    self.name = name
    families = [("ip", "4"), ("ip6", "6")].map {
      Family(key: "\(device) . \($0.0) \(address)", suffix: $0.1)
    }
  }

  var rates: [String] {
    families.map { "limit name \($0.key) map @rate_\(name)\($0.suffix) drop" }
  }

  /// What becomes of packets beyond the quota of a user who is slowed down.
  var spent: [String] {
    families.flatMap {
      let slowing = "\($0.key) @slowing\($0.suffix)"
      return [
        "\(slowing) limit name \($0.key) map @then_\(name)\($0.suffix) drop", "\(slowing) accept",
      ]
    }
  }
}
