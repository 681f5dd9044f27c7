import Gate
import Quota
import System
import Testing

@testable import Fence

/// Batches, read back as a kernel would take them.
@Suite struct `A batch for the kernel` {
  private let rules = FenceRules(count: .total)
  private static let alice: UInt64 = 0xA11CE
  private static let bob: UInt64 = 0xB0B

  private static func place(_ host: UInt8, on device: String = "tun0") -> Fence.Place {
    Fence.Place(device: device, address: InternetAddress(bytes: [10, 8, 0, host]))
  }

  private static func fence(_ holds: (UInt64, Fence.Hold, [UInt8])...) -> Fence {
    var fence = Fence()
    for (user, hold, hosts) in holds { fence.hold(user, hold, at: hosts.map { place($0) }) }
    return fence
  }

  private func update(
    _ sent: SentFence?, _ fence: Fence, sweep: Int64 = 1, boot: Int64 = 4,
    counts: FenceUpdate.Counts? = nil
  ) -> FenceUpdate {
    FenceUpdate(
      from: sent, to: fence, by: rules,
      in: Self.run(sweep, generation: sent == nil ? 7 : 8, boot: boot), counts: counts)
  }

  private static func run(
    _ sweep: Int64, generation: UInt32 = 7, boot: Int64 = 4
  ) -> FenceRun { FenceRun(generation: generation, sweep: sweep, boot: boot) }

  private func lines(_ update: FenceUpdate) -> [String] {
    String(decoding: update.batch, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Bytes for the tunnel, with the largest packet on top.
  private func size(_ bytes: Int64) -> Int64 { rules.packets.inside(bytes) + 65536 }

  @Test func `takes the place of whatever there was, where nothing is known of it`() {
    let said = lines(update(nil, Self.fence((Self.alice, .quota(used: 0, limit: 1524), [2, 3]))))
    #expect(said.prefix(2) == ["add table inet openvpn_quota", "delete table inet openvpn_quota"])
    #expect(
      said.contains(
        "add quota inet openvpn_quota u_00000000000a11ce_0 { over \(1500 + 65536) bytes }"))
    #expect(said.contains { $0.hasPrefix("add element inet openvpn_quota tunnels { \"tun0\" }") })
    let elements = said.first { $0.hasPrefix("add element inet openvpn_quota quota4 ") }
    for host in [2, 3] {
      #expect(elements?.contains("\"tun0\" . 10.8.0.\(host) : \"u_00000000000a11ce_0\"") == true)
    }
  }

  @Test func `is empty where nothing changed`() {
    let fence = Self.fence(
      (Self.alice, .quota(used: 0, limit: 1 << 40), [2]), (Self.bob, .refused, [3]))
    let sent = update(nil, fence).result
    // More was used meanwhile: the object is right as it is.
    let later = Self.fence(
      (Self.alice, .quota(used: 1 << 30, limit: 1 << 40), [2]), (Self.bob, .refused, [3]))
    let again = update(
      sent, later, sweep: 2, counts: [Self.alice: rules.packets.inside(1 << 30) + 4000])
    #expect(again.isEmpty)
    #expect(lines(again).isEmpty)
    #expect(again.result.users == sent.users && again.result.sweep == 2)
  }

  @Test func `moves an address to the user who has it now, and lets go of who left`() {
    let sent = update(
      nil, Self.fence((Self.alice, .quota(used: 0, limit: 9000), [2]), (Self.bob, .refused, [3]))
    ).result
    let next = update(sent, Self.fence((Self.bob, .refused, [2])))
    #expect(
      lines(next) == [
        "delete element inet openvpn_quota generation { \(sent.generation) }",
        "add element inet openvpn_quota generation { 8 }",
        "delete element inet openvpn_quota quota4 { \"tun0\" . 10.8.0.2 }",
        "delete element inet openvpn_quota refused4 { \"tun0\" . 10.8.0.3 }",
        "delete quota inet openvpn_quota u_00000000000a11ce_0",
        "add element inet openvpn_quota refused4 { \"tun0\" . 10.8.0.2 }",
      ])
  }

  @Test func `gives a user who is let in again a new object, as dropped packets were counted`() {
    let first = Self.fence((Self.alice, .quota(used: 1_000_000, limit: 2_000_000), [2]))
    let sent = update(nil, first).result
    let raised = Self.fence((Self.alice, .quota(used: 1_000_000, limit: 5_000_000), [2]))
    #expect(FenceUpdate.needsCounts(from: sent, to: raised, in: Self.run(1)))
    let next = update(sent, raised, counts: [Self.alice: 1 << 40])
    let added = size(4_000_000) - size(1_000_000)
    #expect(
      lines(next).dropFirst(2) == [
        "delete element inet openvpn_quota quota4 { \"tun0\" . 10.8.0.2 }",
        "delete quota inet openvpn_quota u_00000000000a11ce_0",
        "add quota inet openvpn_quota u_00000000000a11ce_1 { over \(added) bytes }",
        "add element inet openvpn_quota quota4 { \"tun0\" . 10.8.0.2 : \"u_00000000000a11ce_1\" }",
      ])
    // A raise that comes in time goes to the same object, which goes on counting.
    let early = update(sent, raised, counts: [Self.alice: 10])
    #expect(
      lines(early).dropFirst(2) == [
        "add quota inet openvpn_quota u_00000000000a11ce_0 { over \(size(4_000_000)) bytes }"
      ])
    // The raise of another user leaves one alone that is used up.
    #expect(update(sent, first, counts: [Self.alice: 1 << 40]).isEmpty)
  }

  @Test func `lets go on who was cut too early, once a sweep has counted`() {
    let sent = update(nil, Self.fence((Self.alice, .quota(used: 0, limit: 2_000_000), [2]))).result
    let left = Self.fence((Self.alice, .quota(used: 1_500_000, limit: 2_000_000), [2]))
    let next = update(sent, left, sweep: 2, counts: [Self.alice: 3_000_000])
    #expect(
      lines(next).contains(
        "add quota inet openvpn_quota u_00000000000a11ce_1 { over \(size(500_000)) bytes }"))
  }

  @Test func `lets nobody go on by a sweep that did not hear all of the user's servers`() {
    // What one of them told: the user has another session, on a server that does not answer.
    func fence(used: Int64, limit: Int64 = 2_000_000, isHeard: Bool) -> Fence {
      var fence = Self.fence((Self.alice, .quota(used: used, limit: limit), [2]))
      if !isHeard { fence.noteUnheard(Self.alice) }
      return fence
    }
    let counts = [Self.alice: 3_000_000 as Int64]
    let sent = update(nil, fence(used: 500_000, isHeard: true)).result
    let deaf = update(sent, fence(used: 600_000, isHeard: false), sweep: 2, counts: counts)
    #expect(deaf.isEmpty)
    // A grant opens all the same, by as much as it is.
    let added = size(2_500_000) - size(1_500_000)
    #expect(
      lines(
        update(
          sent, fence(used: 600_000, limit: 3_000_000, isHeard: false), sweep: 2, counts: counts)
      ).contains(
        "add quota inet openvpn_quota u_00000000000a11ce_1 { over \(added) bytes }"))
    // Once the server answers again, its listing says what is left.
    #expect(
      lines(update(deaf.result, fence(used: 1_900_000, isHeard: true), sweep: 3, counts: counts))
        .contains(
          "add quota inet openvpn_quota u_00000000000a11ce_1 { over \(size(100_000)) bytes }"))
  }

  @Test func `is all anew after a boot`() {
    let fence = Self.fence((Self.alice, .quota(used: 0, limit: 9000), [2]))
    let next = update(update(nil, fence).result, fence, boot: 5)
    #expect(next.isAnew && lines(next)[1] == "delete table inet openvpn_quota")
  }

  @Test func `shares its generation with no other, that two killed runs do not look alike`() {
    let fence = Self.fence((Self.alice, .quota(used: 0, limit: 9000), [2]))
    let sent = update(nil, fence).result
    let more = Self.fence((Self.alice, .quota(used: 0, limit: 9000), [2, 3]))
    let next = FenceUpdate(from: sent, to: more, by: rules, in: Self.run(1, generation: 99))
    #expect(next.result.generation == 99 && next.anew.result.generation == 99)
  }

  @Test func `says how far the counts of the kernel and of OpenVPN are apart`() {
    let first = Self.fence(
      (Self.alice, .quota(used: 0, limit: 1 << 40), [2]),
      (Self.bob, .quota(used: 0, limit: 1 << 40), [3]))
    let sent = update(nil, first).result
    let inside = rules.packets.inside(100_000_000)
    let later = Self.fence(
      (Self.alice, .quota(used: 100_000_000, limit: 1 << 40), [2]),
      (Self.bob, .quota(used: 100_000_000, limit: 1 << 40), [3]))
    let counts = [Self.alice: inside, Self.bob: inside / 2]
    let compared = update(sent, later, sweep: 2, counts: counts).result
    #expect(compared.comparison.kernel == inside + inside / 2)
    #expect(compared.comparison.openvpn == 2 * inside)
    #expect(compared.comparison.furthestKernel == inside / 2)
    #expect(Comparison.difference(inside / 2, inside) == -500)
    // A run between two sweeps keeps it.
    #expect(update(compared, later, sweep: 2).result.comparison == compared.comparison)
    #expect(read(compared.encoded()) == compared)
  }

  @Test func `begins anew after a reset too, where the object began with nothing used`() {
    let none = Self.fence((Self.alice, .quota(used: 0, limit: 10_000_000), [2]))
    let some = Self.fence((Self.alice, .quota(used: 6_000_000, limit: 10_000_000), [2]))
    let sent = update(
      update(nil, none).result, some, sweep: 2, counts: [Self.alice: 6_000_000]
    ).result
    #expect(
      lines(update(sent, none)).contains(
        "add quota inet openvpn_quota u_00000000000a11ce_1 { over \(size(10_000_000)) bytes }"))
    #expect(update(update(sent, none).result, none).isEmpty)
  }

  @Test func `takes back what an object let pass too much`() {
    let sent = update(nil, Self.fence((Self.alice, .quota(used: 0, limit: 10_000_000), [2]))).result
    let now = Self.fence((Self.alice, .quota(used: 6_000_000, limit: 10_000_000), [2]))
    let next = update(sent, now, sweep: 2, counts: [Self.alice: 5_000_000])
    let size = 5_000_000 + size(4_000_000)
    #expect(
      lines(next).dropFirst(2) == [
        "add quota inet openvpn_quota u_00000000000a11ce_0 { over \(size) bytes }"
      ])
  }

  @Test func `begins anew with a period, and moves on when the user is over`() {
    let sent = update(
      nil, Self.fence((Self.alice, .quota(used: 9_000_000, limit: 10_000_000), [2]))
    ).result
    let anew = Self.fence((Self.alice, .quota(used: 0, limit: 10_000_000), [2]))
    #expect(
      lines(update(sent, anew)).contains(
        "add quota inet openvpn_quota u_00000000000a11ce_1 { over \(size(10_000_000)) bytes }"))
    let over = lines(update(sent, Self.fence((Self.alice, .refused, [2]))))
    #expect(over.contains("delete quota inet openvpn_quota u_00000000000a11ce_0"))
    #expect(over.last == "add element inet openvpn_quota refused4 { \"tun0\" . 10.8.0.2 }")
  }

  @Test func `has a rate for who is slowed down, and one for when the quota ends`() throws {
    let (always, then) = (Rate(down: 8_000_000, up: 1_000_000), Rate(shared: 1_000_000))
    let rates = AccessRates(rate: always, thenRate: then)
    let first = Self.fence(
      (Self.alice, .passes(Fence.Allowance(used: 0, limit: 9000), rates), [2]))
    let said = lines(update(nil, first))
    let name = "00000000000a11ce"
    for line in [
      "limit inet openvpn_quota r_\(name)_to_1000000 { rate over 1000000 bytes/second burst 65536 "
        + "bytes }",
      "limit inet openvpn_quota r_\(name)_from_125000 { rate over 125000 bytes/second burst 65536 "
        + "bytes }",
      "limit inet openvpn_quota t_\(name)_both_125000 { rate over 125000 bytes/second burst 65536 "
        + "bytes }",
      "element inet openvpn_quota slowing4 { \"tun0\" . 10.8.0.2 }",
      "element inet openvpn_quota rate_to4 { \"tun0\" . 10.8.0.2 : \"r_\(name)_to_1000000\" }",
      "element inet openvpn_quota then_from4 { \"tun0\" . 10.8.0.2 : \"t_\(name)_both_125000\" }",
    ] { #expect(said.contains("add " + line)) }
    // Over the quota, the rate holds that was to come.
    let sent = update(nil, first).result
    let slowed = Self.fence((Self.alice, .passes(nil, AccessRates(rate: then)), [2]))
    let next = lines(update(sent, slowed))
    #expect(next.contains("delete quota inet openvpn_quota u_\(name)_0"))
    #expect(next.contains("delete limit inet openvpn_quota r_\(name)_to_1000000"))
    #expect(
      next.contains {
        $0.hasPrefix("add limit inet openvpn_quota r_\(name)_both_125000 { rate over 125000 ")
      })
    // A grant brings the quota back; another rate alone leaves it, and the rate that stays.
    #expect(
      lines(update(update(sent, slowed).result, first)).contains {
        $0.hasPrefix("add quota ")
      })
    let faster = AccessRates(rate: then, thenRate: then)
    let changed = lines(
      update(
        sent, Self.fence((Self.alice, .passes(Fence.Allowance(used: 0, limit: 9000), faster), [2])))
    )
    #expect(!changed.contains { $0.contains(" quota ") || $0.contains(" quota4 ") })
    #expect(!changed.contains { $0.contains("t_\(name)") })
    #expect(read(sent.encoded()) == sent)
  }

  @Test
  func `has who waits for news of other hosts in a set, and does not count what they move there`() {
    func fence(used: Int64, told: Int64, elsewhere: Int64) -> Fence {
      let share = HostShare(told: told, elsewhere: elsewhere, otherHosts: 1)
      let allowance = Fence.Allowance(used: used, limit: 100_000_000, share: share)
      return Self.fence((Self.alice, .passes(allowance, AccessRates()), [2]))
    }
    let first = update(nil, fence(used: 20_000_000, told: 20_000_000, elsewhere: 10_000_000))
    let waiting = "element inet openvpn_quota waiting4 { \"tun0\" . 10.8.0.2 }"
    #expect(lines(first).contains("add " + waiting))
    #expect(lines(first).contains { $0.hasSuffix("{ over \(size(40_000_000)) bytes }") })
    // More was used here: the share stays.
    let used = update(
      first.result, fence(used: 50_000_000, told: 20_000_000, elsewhere: 10_000_000))
    #expect(used.isEmpty)
    // The other host used 20 MB, and this one told of 30: of 30 MB that are left each has 15.
    let news = fence(used: 70_000_000, told: 70_000_000, elsewhere: 30_000_000)
    #expect(FenceUpdate.needsCounts(from: used.result, to: news, in: Self.run(1)))
    let next = update(used.result, news, counts: [Self.alice: size(30_000_000)])
    #expect(
      lines(next).dropFirst(2) == [
        "add quota inet openvpn_quota u_00000000000a11ce_0 { over \(size(45_000_000)) bytes }"
      ])
    // Its share is used up: after a sweep that says so the object stays as it is, and with the next
    // news another one takes its place.
    let spent = fence(used: 85_000_000, told: 70_000_000, elsewhere: 30_000_000)
    let after = update(next.result, spent, sweep: 2, counts: [Self.alice: 1 << 40])
    #expect(after.isEmpty)
    let more = fence(used: 85_000_000, told: 85_000_000, elsewhere: 30_000_000)
    let said = lines(update(after.result, more, sweep: 2, counts: [Self.alice: 1 << 40]))
    let added = size(52_500_000) - size(45_000_000)
    #expect(said.contains { $0.hasSuffix("_1 { over \(added) bytes }") }, "\(said)")
    // Once the other host is left the rest is theirs, and they are refused at its end.
    let alone = Self.fence((Self.alice, .quota(used: 85_000_000, limit: 100_000_000), [2]))
    let last = lines(update(after.result, alone, sweep: 2, counts: [Self.alice: 1 << 40]))
    #expect(last.contains("delete " + waiting))
    #expect(read(after.result.encoded()) == after.result)
  }

  @Test func `has networks in sets of their own, which are there only if there is one`() throws {
    let network = try #require(InternetNetwork("192.168.5.0/24"))
    var fence = Self.fence((Self.alice, .quota(used: 0, limit: 9000), [2]))
    #expect(!lines(update(nil, fence)).contains { $0.contains("_net") })
    fence.hold(
      Self.alice, .quota(used: 0, limit: 9000),
      at: [Fence.Place(device: "tun0", network: network)])
    let rules = FenceRules(count: .total, hasNetworks: fence.hasNetworks)
    let update = FenceUpdate(from: nil, to: fence, by: rules, in: Self.run(1))
    let said = lines(update)
    for line in [
      "  map quota4_net { type ifname . ipv4_addr : quota; flags interval; }",
      "    quota name iifname . ip saddr map @quota4_net goto spent_from",
      "    oifname . ip6 daddr @refused6_net drop",
      "add element inet openvpn_quota quota4_net { \"tun0\" . 192.168.5.0/24 : "
        + "\"u_00000000000a11ce_0\" }",
    ] { #expect(said.contains(line)) }
    #expect(read(update.result.encoded()) == update.result)
  }

  @Test func `has no rate that is too large for the kernel`() {
    let fast = AccessRates(rate: Rate(shared: 1_000_000_000_000))
    let said = lines(update(nil, Self.fence((Self.alice, .passes(nil, fast), [2]))))
    #expect(said.contains { $0.contains("{ rate over 10000000000 bytes/second ") })
  }

  @Test func `is all anew where other rules hold`() {
    let fence = Self.fence((Self.alice, .quota(used: 0, limit: 9000), [2]))
    let sent = update(nil, fence).result
    let next = FenceUpdate(from: sent, to: fence, by: FenceRules(count: .sent), in: Self.run(1))
    #expect(next.isAnew && lines(next)[1] == "delete table inet openvpn_quota")
  }

  private func read(_ bytes: [UInt8]) -> SentFence? { SentFence(bytes.span) }

  @Test func `is written down, and a damaged file is none`() throws {
    var fence = Self.fence(
      (Self.alice, .quota(used: 7, limit: .max), [2, 3]), (Self.bob, .refused, [4]))
    fence.hold(
      Self.bob, .refused,
      at: [
        Fence.Place(device: "a-tunnel.with_15", address: InternetAddress(bytes: [UInt8](1...16)))
      ])
    let sent = update(nil, fence).result
    var bytes = sent.encoded()
    #expect(read(bytes) == sent)
    for index in [0, 8, 20, bytes.count / 2, bytes.count - 1] {
      bytes[index] ^= 1
      #expect(read(bytes) == nil)
      bytes[index] ^= 1
    }
    #expect(read(Array(bytes.dropLast())) == nil)
    #expect(read([]) == nil)
  }
}

/// Answers of Linux 6.18 to what is asked of a table in which more is than we send, and of others.
@Suite struct `What the kernel has` {
  private static let rules =
    "b0000000060a0208000000007949000001000002120001006f70656e76706e5f71756f74610000000b0002"
    + "0072656675736500000c00030000000000000000077000040024000100090001006d657461000000001400"
    + "0200080002000000001008000100000000012c00010008000100636d700020000200080001000000000108"
    + "000200000000000c00030005000100060000001c0001000b00010072656a65637400000c00020008000100"
    + "0000000174000000060a0208000000007949000001000002120001006f70656e76706e5f71756f74610000"
    + "000b00020072656675736500000c00030000000000000000080c0006000000000000000007280004002400"
    + "01000b00010072656a65637400001400020008000100000000020500020001000000cc000000060a020800"
    + "0000007949000001000002120001006f70656e76706e5f71756f74610000001000020066726f6d5f74756e"
    + "6e656c000c00030000000000000000098800040024000100090001006d6574610000000014000200080002"
    + "00000000060800010000000001300001000b0001006c6f6f6b75700000200002000c00010074756e6e656c"
    + "730008000200000000010800050000000001300001000e000100696d6d6564696174650000001c00020008"
    + "00010000000000100002000c0002000800010000000001"
  private static let generation =
    "4c0000000c0a0200000000007949000001000002120001006f70656e76706e5f71756f74610000000f0002"
    + "0067656e65726174696f6e000014000300100001000c0001000800010007000000"
  private static let quotas =
    "84000000120a0208000000007949000001000002120001006f70656e76706e5f71756f7461000000190002"
    + "00755f303030303030303030303061313163655f330000000008000300000000020c000600000000000000"
    + "00030800050000000000240004000c00010000000000002dc6c00c000400000000000000004d0800020000"
    + "00000174000000120a0208000000007949000001000002120001006f70656e76706e5f71756f7461000000"
    + "090002006d696e650000000008000300000000020c00060000000000000000040800050000000000240004"
    + "000c00010000000000002dc6c00c000400000000000000004e0800020000000001"
  private static let done = "1400000003000200000000009044000000000000"
  private static let noEntry =
    "4c0000000200000000000000fb430000feffffff380000000d0a0103000000000000000001000000120001006f"
    + "70656e76706e5f71756f74610000000f00020067656e65726174696f6e0000"
  private static let notPermitted =
    "3c0000000200000000000000dd770000ffffffff28000000070a0103000000000000000001000000120001006f"
    + "70656e76706e5f71756f7461000000"

  private func bytes(_ digits: String) -> [UInt8] {
    stride(from: 0, to: digits.count, by: 2).compactMap { place in
      let start = digits.index(digits.startIndex, offsetBy: place)
      return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
    }
  }

  @Test func `is asked for in the kernel's own protocol`() {
    #expect(
      KernelTable.Question.rules.request
        == bytes(
          "28000000070a0103000000000000000001000000120001006f70656e76706e5f71756f7461000000"))
    #expect(
      KernelTable.Question.generation.request
        == bytes(
          "380000000d0a0103000000000000000001000000120001006f70656e76706e5f71756f7461000000"
            + "0f00020067656e65726174696f6e0000"))
    #expect(
      KernelTable.Question.counts.request
        == bytes(
          "30000000130a0103000000000000000001000000120001006f70656e76706e5f71756f7461000000"
            + "0800030000000002"))
  }

  @Test func `is its rules by chain, its generation, and what its quotas counted`() throws {
    var table = KernelTable()
    #expect(try !table.take(bytes(Self.rules).span))
    #expect(try table.take(bytes(Self.done).span))
    #expect(try table.take(bytes(Self.generation + Self.done).span))
    #expect(try table.take(bytes(Self.quotas + Self.done).span))
    #expect(table.rules == ["refuse": 2, "from_tunnel": 1] && table.generation == 7)
    #expect(table.counts == [0xA11CE: 77])
    #expect(!table.isInterrupted && !table.hasRules)
  }

  @Test func `is nothing where there is no table, and an error where it may not be asked`() throws {
    var table = KernelTable()
    #expect(try table.take(bytes(Self.noEntry).span))
    #expect(table == KernelTable())
    #expect(throws: SystemError("ask for", "the kernel's tables", code: 1)) {
      try table.take(bytes(Self.notPermitted).span)
    }
  }

  @Test func `may be incomplete where tables changed meanwhile, and cut messages say nothing`()
    throws
  {
    var marked = bytes(Self.quotas)
    marked[6] |= 0x10
    var table = KernelTable()
    #expect(try !table.take(marked.span))
    #expect(table.isInterrupted)
    for count in 0..<marked.count {
      var table = KernelTable()
      #expect(try !table.take(marked.span.extracting(..<count)))
    }
  }

  @Test func `is as it was sent only with each rule, and the number sent last`() {
    let rules = FenceRules(count: .total)
    let sent = FenceUpdate(
      from: nil, to: Fence(), by: rules, in: FenceRun(generation: 7, sweep: 1, boot: 1)
    ).result
    #expect(KernelTable(generation: 7, rules: rules.sizes).isAsSent(sent, by: rules))
    #expect(KernelTable(generation: 7, rules: rules.sizes).hasRules)
    #expect(!KernelTable(generation: 8, rules: rules.sizes).isAsSent(sent, by: rules))
    #expect(!KernelTable(generation: nil, rules: rules.sizes).isAsSent(sent, by: rules))
    for chain in rules.sizes.keys {
      var fewer = rules.sizes
      fewer[chain] = nil
      let table = KernelTable(generation: 7, rules: fewer)
      #expect(!table.isAsSent(sent, by: rules) && !table.hasRules)
      fewer[chain] = 99
      #expect(!KernelTable(generation: 7, rules: fewer).isAsSent(sent, by: rules))
    }
  }
}

@Suite struct `What the kernel counts` {
  /// Packets inside the tunnel, as the kernel has them, and what OpenVPN counts of them in all.
  private struct Mix {
    let packets: [(length: Int64, outside: Int64)]

    /// Full segments with acknowledgements, `joined` of them shown as one.
    static func download(joined: Int64, acknowledgement: Int64 = 52) -> Mix {
      var packets: [(Int64, Int64)] = []
      for _ in 0..<2000 {
        packets.append((52 + 1448 * joined, joined * 1524))
        packets.append((acknowledgement, acknowledgement + 24))
      }
      return Mix(packets: packets)
    }
  }

  /// The shares are applied in turn, as `numgen inc` does.
  private func counted(_ mix: Mix, _ count: PacketCount) -> Int64 {
    var (total, seen): (Int64, [String: Int64]) = (0, [:])
    let shares = count.small + count.joined(isIPv6: false).filter { $0.kind.contains("exists") }
    for (length, _) in mix.packets {
      total += length
      for share in shares where Self.lengths(share).contains(length) {
        if seen[share.kind, default: 0] % share.every < share.times { total += length }
        seen[share.kind, default: 0] += 1
      }
    }
    return total
  }

  private static func lengths(_ share: PacketCount.Share) -> ClosedRange<Int64> {
    let bounds = share.kind.split(separator: " ")[2].split(separator: "-").compactMap { Int64($0) }
    return bounds[0]...bounds[1]
  }

  @Test(arguments: [1, 2, 3, 4, 10, 44] as [Int64])
  func `is close to what OpenVPN counts, and never more by much`(joined: Int64) {
    let count = PacketCount(mtu: 1500)
    let mix = Mix.download(joined: joined)
    let outside = mix.packets.reduce(0) { $0 + $1.outside }
    let inside = counted(mix, count)
    #expect(inside <= count.inside(outside) + 65536)
    #expect(inside >= count.inside(outside) * 99 / 100)
  }

  @Test func `of any packet is not more than what it is outside`() {
    for mtu in [1280, 1500, 9000, 40000] as [Int64] {
      let count = PacketCount(mtu: mtu)
      for share in count.small {
        let length = Self.lengths(share).upperBound
        // (1 + share) / (1 + 24/mtu) of it, and 24 bytes more.
        #expect(
          length * (share.every + share.times) * (count.mtu + 24)
            <= (length + 24) * share.every * count.mtu)
      }
      #expect(count.inside(.max - 1) < .max && count.inside(1) == 1 && count.inside(0) == 0)
    }
  }
}
