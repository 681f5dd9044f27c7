import Testing
import TestSupport

@Suite struct CronTests {
  static let path = "cron.d/openvpn-quota"

  /// The lines that are neither empty nor comments.
  func entries() throws -> [String] {
    try Repository.lines(CronTests.path).filter { !$0.isEmpty && !$0.hasPrefix("#") }
  }

  /// A line of the table, taken apart.
  struct Job {
    let times: String
    let user: String
    let command: String
  }

  /// The lines with commands: the sweep, the one at the half minute, the rotation, the boot.
  func jobs() throws -> [Job] {
    let jobs = try entries().filter { !$0.prefix { $0 != " " }.contains("=") }
    try #require(jobs.count == 6)
    return jobs.map { line in
      let times = line.hasPrefix("@") ? 1 : 5
      let parts = line.split(separator: " ", maxSplits: times + 1)
      return Job(
        times: parts[..<times].joined(separator: " "), user: String(parts[times]),
        command: String(parts[times + 1]))
    }
  }

  @Test func `The table says who reads it and ends with a line end, or cron drops its last line`()
    throws
  {
    #expect(try Repository.lines(CronTests.path).first?.hasPrefix("# Read by cron") == true)
    #expect(try Repository.contents(CronTests.path).last == UInt8(ascii: "\n"))
  }

  @Test func `It sets the shell and a path that has both places of installation`() throws {
    let entries = try entries()
    #expect(entries.contains("SHELL=/bin/sh"))
    let path = try #require(entries.first { $0.hasPrefix("PATH=") })
    let folders = path.dropFirst(5).split(separator: ":")
    #expect(folders.contains("/usr/local/sbin") && folders.contains("/usr/sbin"))
  }

  @Test func `It sweeps each minute as the system user and rotates once a day as root`() throws {
    let jobs = try jobs()
    #expect(
      jobs.map(\.times) == [
        "* * * * *", "* * * * *", "* * * * *", "* * * * *", "40 3 * * *", "@reboot",
      ])
    #expect(
      jobs.map(\.user) == [
        "openvpn-quota", "openvpn-quota", "root", "openvpn-quota", "root", "root",
      ])
    for job in jobs { #expect(!job.command.contains("%"), "cron takes it for a line end") }
  }

  /// Runs a command of the table in a place where the programs are scripts that say their names.
  func run(
    _ job: Job, systemd: Bool = false, installed: Bool = true, settings: String = "",
    isFenced: Bool = false
  ) throws -> String {
    let folder = try TemporaryDirectory()
    for name in [
      "quota-sweep", "quota-admin", "quota-rotate", "quota-fence", "quota-sync", "sleep", "install",
    ] {
      if installed || name == "sleep" || name == "install" {
        try folder.write("#!/bin/sh\necho ${0##*/} $*\n", to: "bin/\(name)", mode: 0o755)
      }
    }
    if systemd { try folder.write("", to: "systemd/x") }
    if isFenced { try folder.write("", to: "state/fence") }
    let file = try folder.write(settings, to: "quota.conf")
    let command = job.command.replacing("/run/systemd/system", with: "\(folder.path)/systemd")
      .replacing("/etc/openvpn-quota/quota.conf", with: file)
      .replacing("/var/lib/openvpn-quota", with: "\(folder.path)/state")
    let outcome = try Program.run(
      "/bin/sh", ["-c", command], environment: ["PATH": "\(folder.path)/bin:/usr/bin:/bin"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    return outcome.output
  }

  /// Settings with which every line of the table does something.
  static let everything = "MONITOR_INTERVAL=30\nFENCE=yes\nSYNC=host=db\n"

  @Test(arguments: [
    ("SYNC=host=db", true), (" SYNC = x", true), ("SYNC=", false), ("#SYNC=x", false),
  ])
  func `With SYNC the centre is spoken with four times a minute`(setting: String, isSo: Bool) throws
  {
    let all = [0, 15, 15, 15].map { "sleep \($0)\nquota-sync\n" }.joined()
    #expect(try run(try jobs()[3], settings: "\(setting)\nSYNC_INTERVAL=15\n") == (isSo ? all : ""))
  }

  @Test func `It works where no systemd runs, not where it does, and not once uninstalled`() throws
  {
    let jobs = try jobs()
    #expect(try run(jobs[0]) == "quota-sweep\nquota-admin notify\nquota-admin pages\n")
    #expect(try run(jobs[4]) == "quota-rotate\n")
    #expect(
      try run(jobs[5])
        == "install -d -m 2770 -g openvpn-quota /run/openvpn-quota\nquota-sweep --publish\n")
    for job in jobs {
      #expect(try run(job, systemd: true, settings: Self.everything).isEmpty)
      #expect(try run(job, installed: false, settings: Self.everything).isEmpty)
    }
  }

  @Test(arguments: [
    ("FENCE=yes", true), (" FENCE = \"YES\" ", true), ("FENCE=no", false), ("", false),
    ("#FENCE=yes", false), ("FENCE_OPEN=yes", false),
  ])
  func `The kernel is told after each sweep and between, with FENCE=yes`(
    setting: String, isSo: Bool
  ) throws {
    let once = "quota-fence\n"
    let all = "sleep 3\n\(once)" + String(repeating: "sleep 15\n\(once)", count: 3)
    let settings = "OTHER=1\n\(setting)\n"
    #expect(try run(try jobs()[2], settings: settings) == (isSo ? all : ""))
    // What the kernel was told before has to be taken away.
    #expect(try run(try jobs()[2], settings: settings, isFenced: true) == all)
  }

  @Test(arguments: [
    ("MONITOR_INTERVAL=30", true), (" MONITOR_INTERVAL = 30 ", true),
    ("MONITOR_INTERVAL=\"30\"", true), ("MONITOR_INTERVAL=45", false), ("", false),
    ("#MONITOR_INTERVAL=30", false), ("MONITOR_INTERVAL=300", false),
  ])
  func `With an interval of 30 it sweeps at the half minute too`(setting: String, isSo: Bool) throws
  {
    #expect(
      try run(try jobs()[1], settings: "OTHER=1\n\(setting)\n")
        == (isSo ? "sleep 30\nquota-sweep\n" : ""))
  }
}
