import Fence
import OpenVPN
import Quota
import Support
import System
import TestSupport
import Testing

@testable import Admin

/// What check says of the fence, with what nft lists made up.
@Suite struct `A check of the fence` {
  private func results(
    fence: Bool = true, isRoot: Bool = true, config lines: String = "",
    nft: [String: String] = [:], hasRules: Bool = true
  ) throws -> [CheckResult] {
    var settings = Settings()
    settings.fence = fence
    let config = try ServerConfig(file: "/etc/openvpn/a.conf") { _ throws(SystemError) in
      Array("server 10.8.0.0 255.255.255.0\ndev tun\n\(lines)\n".utf8)
    }
    return FenceCheck(
      settings: settings, configs: [config], output: { nft[$0.dropFirst().joined(separator: " ")] },
      hasRules: { hasRules }, isRoot: isRoot, isSystemdRunning: false
    ).results()
  }

  private let standing = [
    "--version": "nftables v1.0.6",
    "list set inet openvpn_quota tunnels": "elements = { \"tun0\", \"tun1\" }",
  ]

  @Test func `recommends it where it is off, and asks nobody`() throws {
    let results = try results(fence: false)
    #expect(results.map(\.level) == [.ok])
    #expect(results[0].text.contains("FENCE=yes"))
  }

  @Test func `knows whether nft and the table are there`() throws {
    #expect(try results(nft: standing).map(\.text) == ["the kernel has the table"])
    #expect(try results()[0].remedy == "apt-get install nftables")
    let missing = try results(nft: ["--version": "1"])
    #expect(missing[0].level == .error && missing[0].remedy == "quota-fence --verbose")
    let flushed = try results(nft: standing, hasRules: false)
    #expect(flushed.map(\.level) == [.error] && flushed[0].text.contains("lost rules"))
    #expect(try results(isRoot: false, nft: standing)[0].text.contains("takes root"))
  }

  @Test(arguments: [
    (100 as Int64, CheckResult.Level.ok, "1.5 % more"), (60, .warning, "39.0 % less"),
  ])
  func `tells how far the counts of the kernel and of OpenVPN are apart`(
    percent: Int64, level: CheckResult.Level, share: String
  ) throws {
    let folder = try TemporaryDirectory()
    let directory = try Directory(folder.path)
    func update(
      _ sent: SentFence?, used: Int64, sweep: Int64, _ counts: FenceUpdate.Counts? = nil
    ) -> SentFence {
      var fence = Fence()
      fence.hold(1, .quota(used: used, limit: 1_000_000_000_000), at: [])
      return FenceUpdate(
        from: sent, to: fence, by: FenceRules(count: .total),
        in: FenceRun(generation: 1, sweep: sweep, boot: 1), counts: counts
      ).result
    }
    let none = update(nil, used: 0, sweep: 1)
    try none.write(in: directory)
    var settings = Settings()
    settings.fence = true
    settings.database = folder.path + "/quota.db"
    let check = FenceCheck(settings: settings, configs: [])
    #expect(check.countResults().isEmpty)
    let counted = update(none, used: 1_000_000_000, sweep: 2, [1: percent * 10_000_000])
    try counted.write(in: directory)
    let results = check.countResults()
    #expect(results.map(\.level) == [level])
    #expect(results.first?.text.contains("the kernel counted \(share) than OpenVPN") == true)
    // What was used on other hosts passed no kernel of this one.
    settings.sync = "host=db"
    #expect(FenceCheck(settings: settings, configs: []).countResults().isEmpty)
  }

  @Test func `tells what goes around it`() throws {
    let around = standing.merging(
      ["list flowtables": "flowtable f { devices = { \"eth0\", \"tun1\" } }"]) { $1 }
    let results = try results(config: "client-to-client\ndev-type tap", nft: around)
    #expect(results.map(\.level) == [.warning, .warning, .warning])
    #expect(results[0].text.contains("packets of tun1"))
    #expect(results[1].text.contains("client to client"))
    #expect(results[2].text.contains("bridge"))
    #expect(results.allSatisfy { $0.remedy != nil })
  }
}
