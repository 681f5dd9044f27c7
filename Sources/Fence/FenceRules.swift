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
  private let families: [Family]

  /// - Parameters:
  ///   - count: the setting `COUNT`.
  ///   - open: the setting `FENCE_OPEN`.
  ///   - mtu: the largest of the tunnel devices' MTUs, in bytes.
  ///   - hasNetworks: whether there are networks behind clients: each lookup in sets of those costs.
  package init(
    count: Count, open: [OpenDestination] = [], mtu: Int64 = 1500, hasNetworks: Bool = false
  ) {
    self.count = count
    self.open = open
    packets = PacketCount(mtu: mtu)
    families = Family.addresses + (hasNetworks ? Family.networks : [])
  }

  /// What the names of sets end with that a place belongs into.
  static func family(of network: InternetNetwork) -> String {
    Family(isIPv6: network.address.isIPv6, isNetworks: !network.isHost).suffix
  }

  var checksum: UInt64 { System.checksum(Array(text.utf8).span) }

  /// The table without its elements.
  var text: String {
    """
    table \(Self.table) {
      set generation { type mark; }
      set tunnels { type ifname; }
    \(families.flatMap(\.sets).map { "  " + $0 }.joined(separator: "\n"))
    \(chains.map(\.text).joined(separator: "\n"))
    }

    """
  }

  /// How many rules each chain has.
  var sizes: [String: Int] {
    Dictionary(uniqueKeysWithValues: chains.map { ($0.name, $0.rules.count) })
  }

  /// They run before others may change addresses.
  private var chains: [Chain] {
    [
      Chain(name: "refuse", rules: ["meta l4proto tcp reject with tcp reset", "reject"]),
      Chain(
        name: "spent_from",
        rules: families.flatMap { Side.from.spent($0) }
          // They go on with the next news of other hosts, so their connections are not to end.
          + families.map { "\(Side.from.key($0)) @waiting\($0.suffix) drop" } + ["goto refuse"]),
      Chain(name: "spent_to", rules: families.flatMap { Side.to.spent($0) } + ["drop"]),
      Chain(
        name: "from_tunnel", hook: "prerouting",
        rules: ["iifname != @tunnels accept"] + fromTunnel),
      Chain(
        name: "to_tunnel", hook: "postrouting", rules: ["oifname != @tunnels accept"] + toTunnel),
    ]
  }

  private var fromTunnel: [String] {
    let side = Side.from
    return open.map { "\(match($0, side: "daddr", port: "dport")) accept" }
      + families.map { "\(side.key($0)) @refused\($0.suffix) goto refuse" }
      + families.map(side.rate)
      + (count == .sent ? [] : families.flatMap { quota($0, packets.small, side) })
  }

  private var toTunnel: [String] {
    let side = Side.to
    return open.map { "\(match($0, side: "saddr", port: "sport")) accept" }
      // What `refuse` answers has to arrive.
      + [
        "tcp flags rst meta length <= 60 accept", "icmp type destination-unreachable accept",
        "icmpv6 type destination-unreachable accept",
      ]
      + families.map { "\(side.key($0)) @refused\($0.suffix) drop" } + families.map(side.rate)
      + (count == .received
        ? []
        : families.flatMap {
          quota($0, packets.joined(isIPv6: $0.isIPv6) + packets.small, side)
        })
  }

  private func quota(_ family: Family, _ shares: [PacketCount.Share], _ side: Side) -> [String] {
    let lookup = "quota name \(side.key(family)) map @quota\(family.suffix)"
    return shares.map { "\($0.text) \(lookup)" } + ["\(lookup) goto spent_\(side.name)"]
  }

  private func match(_ destination: OpenDestination, side: String, port: String) -> String {
    let (address, prefix) = (destination.network.address, destination.network.prefix)
    let family = address.isIPv6 ? "ip6" : "ip"
    let network = "\(family) \(side) \(address.text)/\(prefix)"
    let transport = destination.transport?.rawValue
    guard let number = destination.port else {
      return network + (transport.map { " meta l4proto \($0)" } ?? "")
    }
    return transport.map { "\(network) \($0) \(port) \(number)" }
      ?? "\(network) meta l4proto { tcp, udp } th \(port) \(number)"
  }
}

private struct Chain {
  let name: String
  /// Where packets come to it; nil where other chains lead them.
  var hook: String?
  let rules: [String]

  var text: String {
    let hook = hook.map { ["type filter hook \($0) priority mangle; policy accept;"] } ?? []
    return (["  chain \(name) {"] + (hook + rules).map { "    " + $0 } + ["  }"])
      .joined(separator: "\n")
  }
}

/// What is looked up in sets of its own: addresses or networks, of IPv4 or IPv6.
private struct Family: Equatable {
  let isIPv6: Bool
  let isNetworks: Bool

  static let addresses = [false, true].map { Family(isIPv6: $0, isNetworks: false) }
  static let networks = [false, true].map { Family(isIPv6: $0, isNetworks: true) }

  var suffix: String { (isIPv6 ? "6" : "4") + (isNetworks ? "_net" : "") }

  /// Its sets, and its maps to objects.
  var sets: [String] {
    let type = "type ifname . ipv\(isIPv6 ? "6" : "4")_addr"
    let flags = isNetworks ? " flags interval;" : ""
    return ["refused", "slowing", "waiting"].map { "set \($0)\(suffix) { \(type);\(flags) }" }
      + ["map quota\(suffix) { \(type) : quota;\(flags) }"]
      + ["rate_from", "rate_to", "then_from", "then_to"].map {
        "map \($0)\(suffix) { \(type) : limit;\(flags) }"
      }
  }
}

/// One of the directions of packets.
private struct Side {
  let name: String
  let device: String
  let address: String

  static let from = Side(name: "from", device: "iifname", address: "saddr")
  static let to = Side(name: "to", device: "oifname", address: "daddr")

  /// What a packet is looked up by.
  func key(_ family: Family) -> String {
    "\(device) . \(family.isIPv6 ? "ip6" : "ip") \(address)"
  }

  func rate(_ family: Family) -> String {
    "limit name \(key(family)) map @rate_\(name)\(family.suffix) drop"
  }

  /// What becomes of packets beyond the quota of a user who is slowed down.
  func spent(_ family: Family) -> [String] {
    let slowing = "\(key(family)) @slowing\(family.suffix)"
    return [
      "\(slowing) limit name \(key(family)) map @then_\(name)\(family.suffix) drop",
      "\(slowing) accept",
    ]
  }
}
