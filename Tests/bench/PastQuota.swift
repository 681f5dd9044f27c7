import Foundation
import TestSupport

/// How much passes after a quota is used up, on a real OpenVPN: until the next sweep, or until the kernel
/// cuts.
enum PastQuota {
  static let title = "Past the quota"
  /// Seconds between sweeps.
  private static let interval = 45
  /// The line is crossed after some seconds, and the next sweep is far.
  private static let quota: Int64 = 150_000_000

  private struct Way {
    let what: String
    /// What iperf3 is told at the client.
    let arguments: [String]
    var isIPv6 = false
    var servers = ["office"]
  }

  private static let ways = [
    Way(what: "TCP, down", arguments: ["-R"]), Way(what: "TCP, up", arguments: []),
    Way(what: "TCP, both", arguments: ["--bidir"]),
    Way(what: "UDP of 50 Mbit/s, down", arguments: ["-u", "-b", "50M", "-R"]),
    Way(what: "UDP of 50 Mbit/s, up", arguments: ["-u", "-b", "50M"]),
    // A busy machine's tunnel does not take so much.
    Way(what: "UDP of 200 Mbit/s, down", arguments: ["-u", "-b", "200M", "-R"]),
    Way(what: "TCP over IPv6, down", arguments: ["-R"], isIPv6: true),
    Way(what: "TCP, down, on two servers", arguments: ["-R"], servers: ["office", "home"]),
  ]

  static func measure(into report: BenchReport) throws {
    guard RealHost.isAvailable, HeldKernel.isAvailable,
      FileManager.default.isExecutableFile(atPath: "/usr/bin/iperf3")
    else {
      return report.leaveOut("past the quota", for: "root, OpenVPN, nft and iperf3 are wanted")
    }
    var rows: [[String]] = []
    for way in ways {
      print("  \(way.what)")
      let without = try stream(way, fence: false)
      let with = try stream(way, fence: true)
      let share = Double(with.past) / Double(without.moved) * 100
      rows.append(
        [without.moved, without.past, with.past].map { Decimal.text(Double($0) / 1_000_000) }
          + [Decimal.text(share)])
      rows[rows.count - 1].insert(way.what, at: 0)
      report.expect("past the quota, \(way.what)", share, atMost: 1, " % of an interval")
      report.expect("cut early, \(way.what)", Double(max(0, -with.past)), atMost: 65_536, " bytes")
    }
    report.add(
      BenchReport.Section(
        title: title,
        text: """
          \(try Machine().text)

          What one user moves in \(interval) seconds between two sweeps, and how much of it is past a quota \
          of \(quota / 1_000_000) MB, with `FENCE=no` and with `FENCE=yes`, as OpenVPN counts it. Traffic is \
          that of iperf3, as fast as this machine goes, which both ends share. With the fence it is to be at \
          most 1 % of what moves in an interval; less than nothing was cut early, and is to be at most 64 KiB.
          """,
        columns: ["", "moved MB", "past the quota MB", "with the fence MB", "% of what is moved"],
        rows: rows))
  }

  /// Has a user move as much as goes from one sweep to the next.
  ///
  /// - Returns: bytes that were moved until then, and bytes past the quota when all is over.
  private static func stream(_ way: Way, fence: Bool) throws -> (moved: Int64, past: Int64) {
    let host = try RealHost()
    let installation = try Installation(
      ["FENCE": fence ? "yes" : "no", "MANAGEMENT_TIMEOUT": "5", "LOG_FILE": ""], in: host.folder)
    try installation.admin("add", "alice", "--quota", "\(quota)")
    var servers: [RealServer] = []
    var clients: [RealClient] = []
    for name in way.servers {
      var options = RealServer.Options()
      options.isIPv6 = way.isIPv6
      options.connectHook = installation.hook("quota-connect")
      options.disconnectHook = installation.hook("quota-disconnect")
      let server = try RealServer(on: host, name: name, options)
      installation.add(server)
      try server.start()
      servers.append(server)
      let client = try server.client("alice")
      guard try client.connect() == .up else { throw Failure(description: "alice is not let in") }
      clients.append(client)
    }
    func tell() throws {
      guard fence else { return }
      try installation.run(
        "quota-fence", through: ["/usr/bin/nsenter", "--net=/run/netns/\(host.serverNamespace)"],
        environment: ["PATH": "/usr/sbin:/usr/bin:/bin"]
      ).requireSuccess()
    }
    try installation.sweep().requireSuccess()
    try tell()
    for (index, client) in clients.enumerated() {
      let address = way.isIPv6 ? "fd99:\(index)::1" : servers[index].address
      begin(["-s", "-1", "-p", "\(5201 + index)"], in: host.serverNamespace)
      usleep(500_000)
      begin(
        ["-c", address, "-p", "\(5201 + index)", "-t", "\(2 * interval)"] + way.arguments,
        in: client.namespace)
    }
    sleep(UInt32(interval))
    let moved = try servers.flatMap { try $0.listing() }.reduce(0) { $0 + $1.received + $1.sent }
    try installation.sweep().requireSuccess()
    try tell()
    // The sweep disconnects nobody whom the kernel cut early.
    for client in clients { try client.leave() }
    for server in servers { try server.stop() }
    try installation.takeInJournal()
    let used = try installation.probe.bytesUsed["alice"] ?? 0
    return (moved, used - quota)
  }

  private static func begin(_ arguments: [String], in namespace: String) {
    Thread.detachNewThread {
      _ = try? Program.run(
        "ip", ["netns", "exec", namespace, "iperf3"] + arguments, timeout: Double(3 * interval))
    }
  }

  private struct Failure: Error, CustomStringConvertible { let description: String }
}
