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
  var isRoot = Privileges.isRoot
  var isSystemdRunning = Systemd.isRunning

  func results() -> [CheckResult] {
    guard settings.fence else {
      return [
        result(
          .ok,
          "it is off, so a user goes on past the quota until the next sweep; FENCE=yes cuts "
            + "in between")
      ]
    }
    let found = table() + unit() + configs.flatMap(bypasses)
    return found.isEmpty ? [result(.ok, "the kernel has the table")] : found
  }

  /// How far the counts of the kernel and of OpenVPN are apart, by what quota-fence read last.
  func countResults() -> [CheckResult] {
    guard settings.fence, let state = try? Directory(directory(of: settings.database)),
      let compared = SentFence(in: state)?.comparison, compared.openvpn > 0
    else { return [] }
    let all = Comparison.difference(compared.kernel, compared.openvpn)
    let furthest = Comparison.difference(compared.furthestKernel, compared.furthestOpenVPN)
    let size = ByteSize.format(compared.openvpn, in: settings.units)
    let text =
      "of \(size) the kernel counted \(Self.share(all)) than OpenVPN; of the user for whom they are the "
      + "furthest apart, \(Self.share(furthest))"
    if all > -100 { return [result(.ok, text)] }
    return [result(.warning, text, "man quota-fence says what passes the kernel by")]
  }

  /// `1.5 % less`, of thousandths.
  private static func share(_ difference: Int64) -> String {
    let size = abs(difference)
    return "\(size / 10).\(size % 10) % \(difference < 0 ? "less" : "more")"
  }

  private func result(_ level: CheckResult.Level, _ text: String, _ remedy: String? = nil)
    -> CheckResult
  {
    CheckResult("fence", level, text, remedy: remedy)
  }

  private func table() -> [CheckResult] {
    if output(["nft", "--version"]) == nil {
      return [result(.error, "nft is not installed", "apt-get install nftables")]
    }
    if !isRoot { return [result(.ok, "the kernel's table was not looked at, which takes root")] }
    guard let tunnels = output(["nft", "list", "set"] + words + ["tunnels"]) else {
      return [
        result(
          .error, "the kernel has no table, so nobody is held",
          isSystemdRunning ? "systemctl start quota-fence" : "quota-fence --verbose")
      ]
    }
    // `nft flush table` leaves the sets, which are all that quota-fence looks at.
    let rules = output(["nft", "list", "chain"] + words + ["refuse"]) ?? ""
    guard rules.contains("reject") else {
      return [
        result(
          .error, "the kernel's table has lost its rules, so nobody is held",
          "quota-fence --remove && quota-fence --verbose")
      ]
    }
    let offloaded = quoted(output(["nft", "list", "flowtables"]) ?? "")
    return quoted(tunnels).filter(offloaded.contains).map { device in
      result(
        .warning, "a flowtable forwards packets of \(device), which pass it by",
        "take \(device) out of the flowtable")
    }
  }

  private var words: [String] { FenceRules.table.split(separator: " ").map(String.init) }

  /// The names of devices in what nft lists.
  private func quoted(_ text: String) -> [String] {
    text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }

  private func unit() -> [CheckResult] {
    guard isSystemdRunning else { return [] }
    if Systemd.properties(of: "quota-fence.path", ["ActiveState"])["ActiveState"] != "active" {
      return [
        result(
          .error, "quota-fence.path is not running, so nobody new is held",
          "systemctl daemon-reload && systemctl start quota-fence.path")
      ]
    }
    let ended = Systemd.properties(of: "quota-fence.service", ["Result"])["Result"] ?? ""
    return ended.isEmpty || ended == "success"
      ? []
      : [
        result(
          .error, "the last run of quota-fence.service ended with \(ended)",
          "journalctl -u quota-fence -n 20")
      ]
  }

  /// What passes between clients of a server, or into a bridge, without the kernel's firewall.
  private func bypasses(_ config: ServerConfig) -> [CheckResult] {
    var results: [CheckResult] = []
    if let place = config.clientToClient {
      results.append(
        result(
          .warning, "\(place): what OpenVPN passes from client to client goes by it",
          "remove the client-to-client line; then the kernel forwards it"))
    }
    if config.isTap {
      results.append(
        result(
          .warning, "\(config.file): what a tap device passes to a bridge goes by it", "dev tun"))
    }
    return results
  }

  private static func run(_ command: [String]) -> String? {
    (try? System.output(of: command, isQuiet: true)).map { String(decoding: $0, as: UTF8.self) }
  }
}
