import Fence
import OpenVPN
import Quota
import Support
import System

/// Looks at the fence: whether the kernel has the table, whether something keeps it up to date, and what
/// goes around it. It needs root: the kernel answers no other user.
struct FenceCheck {
  let settings: Settings
  let configs: [ServerConfig]
  /// Runs a command and gives what it writes; nil where it fails.
  var output: ([String]) -> String? = Self.run
  /// Whether each chain of the kernel's table has rules.
  var hasRules: () -> Bool = { (try? Nft.ask([.rules]))?.hasRules ?? false }
  var isRoot = Privileges.isRoot
  var isSystemdRunning = Systemd.isRunning

  func results() -> [CheckResult] {
    var report = CheckReport("fence")
    if settings.fence {
      table(&report)
      unit(&report)
      for config in configs { bypasses(config, &report) }
      if report.results.isEmpty { report.ok("the kernel has the table") }
    } else {
      report.ok(
        "it is off, so a user goes on past the quota until the next sweep; FENCE=yes cuts in between"
      )
    }
    return report.results
  }

  /// How far the counts of the kernel and of OpenVPN are apart, by what quota-fence read last. Where several
  /// hosts share users nobody can tell: what was used on the others is in the access table as well.
  func countResults() -> [CheckResult] {
    guard settings.fence, settings.sync.isEmpty,
      let state = try? Directory(directory(of: settings.database)),
      let compared = SentFence(in: state)?.comparison, compared.openvpn > 0
    else { return [] }
    let all = Comparison.difference(compared.kernel, compared.openvpn)
    let furthest = Comparison.difference(compared.furthestKernel, compared.furthestOpenVPN)
    let size = ByteSize.format(compared.openvpn, in: settings.units)
    let text =
      "of \(size) the kernel counted \(Self.share(all)) than OpenVPN; of the user for whom they are the "
      + "furthest apart, \(Self.share(furthest))"
    var report = CheckReport("fence")
    if all > -100 {
      report.ok(text)
    } else {
      report.warning(text, remedy: "man quota-fence says what passes the kernel by")
    }
    return report.results
  }

  /// `1.5 % less`, of thousandths.
  private static func share(_ difference: Int64) -> String {
    let size = abs(difference)
    return "\(size / 10).\(size % 10) % \(difference < 0 ? "less" : "more")"
  }

  private func table(_ report: inout CheckReport) {
    if output(["nft", "--version"]) == nil {
      return report.error("nft is not installed", remedy: "apt-get install nftables")
    }
    if !isRoot { return report.ok("the kernel's table was not looked at, which takes root") }
    guard let tunnels = output(["nft", "list", "set"] + words + ["tunnels"]) else {
      return report.error(
        "the kernel has no table, so nobody is held",
        remedy: isSystemdRunning ? "systemctl start quota-fence" : "quota-fence --verbose")
    }
    guard hasRules() else {
      return report.error(
        "the kernel's table has lost rules, so not everybody is held",
        remedy: "quota-fence --verbose")
    }
    let offloaded = quoted(output(["nft", "list", "flowtables"]) ?? "")
    for device in quoted(tunnels) where offloaded.contains(device) {
      report.warning(
        "a flowtable forwards packets of \(device), which pass it by",
        remedy: "take \(device) out of the flowtable")
    }
  }

  private var words: [String] { FenceRules.table.split(separator: " ").map(String.init) }

  /// The names of devices in what nft lists.
  private func quoted(_ text: String) -> [String] {
    text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }

  private func unit(_ report: inout CheckReport) {
    guard isSystemdRunning else { return }
    if Systemd.properties(of: "quota-fence.path", ["ActiveState"])["ActiveState"] != "active" {
      return report.error(
        "quota-fence.path is not running, so nobody new is held",
        remedy: "systemctl daemon-reload && systemctl start quota-fence.path")
    }
    let ended = Systemd.properties(of: "quota-fence.service", ["Result"])["Result"] ?? ""
    if !ended.isEmpty, ended != "success" {
      report.error(
        "the last run of quota-fence.service ended with \(ended)",
        remedy: "journalctl -u quota-fence -n 20")
    }
  }

  /// What passes between clients of a server, or into a bridge, without the kernel's firewall.
  private func bypasses(_ config: ServerConfig, _ report: inout CheckReport) {
    if let place = config.clientToClient {
      report.warning(
        "\(place): what OpenVPN passes from client to client goes by it",
        remedy: "remove the client-to-client line; then the kernel forwards it")
    }
    if config.isTap {
      report.warning(
        "\(config.file): what a tap device passes to a bridge goes by it", remedy: "dev tun")
    }
  }

  private static func run(_ command: [String]) -> String? {
    (try? System.output(of: command, isQuiet: true)).map { String(decoding: $0, as: UTF8.self) }
  }
}
