import Testing
import TestSupport

@Suite struct CronTests {
  static let path = "cron.d/openvpn-quota"

  /// The lines that are neither empty nor comments.
  func entries() throws -> [String] {
    try Repository.lines(CronTests.path).filter { !$0.isEmpty && !$0.hasPrefix("#") }
  }

  /// The line that sweeps: five fields of time, the user, and the command.
  func job() throws -> [Substring] {
    let jobs = try entries().filter { $0.first == "*" }
    #expect(jobs.count == 1)
    return jobs.first?.split(separator: " ", maxSplits: 6) ?? []
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

  @Test func `It sweeps each minute as the system user, with no percent sign that cron would take`()
    throws
  {
    let job = try job()
    try #require(job.count == 7)
    #expect(job[..<5].allSatisfy { $0 == "*" })
    #expect(job[5] == "openvpn-quota")
    #expect(!job[6].contains("%"))
  }

  @Test func `It sweeps where no systemd runs, not where it does, and not once uninstalled`() throws
  {
    let folder = try TemporaryDirectory()
    try folder.write("#!/bin/sh\necho swept\n", to: "bin/quota-sweep", mode: 0o755)
    let command = String(try #require(try job().last)).replacing(
      "/run/systemd/system", with: "\(folder.path)/systemd")
    let path = "\(folder.path)/bin:/usr/bin:/bin"
    let swept = try Program.run("/bin/sh", ["-c", command], environment: ["PATH": path])
    #expect(swept.output == "swept\n" && swept.errors.isEmpty && swept.status == 0)
    let gone = try Program.run("/bin/sh", ["-c", command], environment: ["PATH": "/usr/bin:/bin"])
    #expect(gone.output.isEmpty && gone.errors.isEmpty && gone.status == 0)
    try folder.write("", to: "systemd/x")
    let left = try Program.run("/bin/sh", ["-c", command], environment: ["PATH": path])
    #expect(left.output.isEmpty && left.errors.isEmpty && left.status == 0)
  }
}
