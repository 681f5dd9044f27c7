import System
import TestSupport
import Testing

@testable import Sync

/// The program as a person and a timer run it, on hosts that have nothing in common but the centre.
@Suite(.enabled(if: PostgresCluster.isInstalled)) struct SyncProgramTests {
  let database: TestDatabase

  init() throws { database = try TestDatabase() }

  /// A host with the programs and settings of its own.
  final class Host {
    let folder: TemporaryDirectory
    let settings: String

    init(_ sync: String) throws {
      folder = try TemporaryDirectory()
      try Program.run("chmod", ["0750", folder.path]).requireSuccess()
      settings = try folder.write(
        """
        DATABASE=\(folder.path)/quota.db
        LOG_FILE=\(folder.path)/log
        OPENVPN_CONFIGS=/nowhere/*.conf
        TIME_ZONE=Etc/UTC
        SYNC=\(sync)

        """, to: "quota.conf")
    }

    func run(_ program: String, _ arguments: String..., input: String = "") throws -> Outcome {
      try Program.run(
        Program.path(program), arguments,
        environment: ["QUOTA_CONFIG": settings, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
        input: input, timeout: 120)
    }
  }

  @Test func `Two hosts join, hear of each other's users, and one is forgotten`() throws {
    let first = try Host(database.settings)
    let second = try Host(database.settings)
    #expect(try first.run("quota-sync").errors.contains("has not joined"))
    let missing = try first.run("quota-sync", "--join", "--host", "vpn1")
    #expect(missing.status == 78 && missing.errors.contains("hint: quota-sync --init"))
    #expect(try first.run("quota-sync", "--init").output == "the tables are made\n")
    #expect(try first.run("quota-sync", "--init").output == "the tables are there already\n")
    // Before it joins, a host's users are its own.
    try first.run("quota-admin", "add", "alice", "--quota", "50GB").requireSuccess()
    try second.run("quota-admin", "add", "bob", "--quota", "7GB").requireSuccess()
    let joined = try first.run("quota-sync", "--join", "--host", "vpn1")
    #expect(joined.status == 0 && joined.output.hasPrefix("this host is vpn1 in the centre now"))
    let preview = try second.run("quota-sync", "--join", "--dry-run")
    #expect(preview.status == 0 && preview.output.contains("would get: 1 and 0"))
    let taken = try second.run("quota-sync", "--join", "--host", "vpn1")
    #expect(taken.status == 78 && taken.errors.contains("there is a host vpn1"))
    try second.run("quota-sync", "--join", "--host", "vpn2").requireSuccess()
    let silent = try first.run("quota-sync")
    #expect(
      silent.status == 0 && silent.output.isEmpty && silent.errors.isEmpty, "\(silent.errors)")
    for host in [first, second] {
      for name in ["alice", "bob"] { try host.run("quota-admin", "show", name).requireSuccess() }
    }
    let hosts = try second.run("quota-sync", "hosts")
    #expect(hosts.output.split(separator: "\n").map { $0.prefix(4) } == ["HOST", "vpn1", "vpn2"])
    #expect(try second.run("quota-sync", "forget", "vpn9").status == 65)
    try second.run("quota-sync", "forget", "vpn1").requireSuccess()
    #expect(try second.run("quota-sync", "hosts", "--json").output.contains("\"left\":true"))
    try second.run("quota-sync", "--leave").requireSuccess()
    #expect(try second.run("quota-sync").status == 78)
  }

  @Test
  func
    `What quota-admin does on one host holds on all, and nothing is done while the centre is away`()
    throws
  {
    let first = try Host(database.settings)
    let second = try Host(database.settings)
    try first.run("quota-sync", "--init").requireSuccess()
    try first.run("quota-sync", "--join", "--host", "vpn1").requireSuccess()
    try second.run("quota-sync", "--join", "--host", "vpn2").requireSuccess()
    try first.run("quota-admin", "plan", "add", "basic", "--quota", "50GB").requireSuccess()
    try first.run("quota-admin", "add", "alice", "--plan", "basic").requireSuccess()
    try second.run("quota-sync").requireSuccess()
    #expect(try second.run("quota-admin", "show", "alice").output.contains("50 GB"))
    try second.run("quota-admin", "grant", "alice", "10GB", "--note", "paid").requireSuccess()
    try first.run("quota-sync").requireSuccess()
    #expect(try first.run("quota-admin", "grants", "alice").output.contains("paid"))
    // A second administrator, whose host has not heard of it.
    try first.run("quota-admin", "set", "alice", "--quota", "1GB").requireSuccess()
    let late = try second.run("quota-admin", "set", "alice", "--quota", "2GB")
    #expect(late.status == 75 && late.errors.contains("nothing was changed"), "\(late.errors)")
    #expect(try second.run("quota-admin", "show", "alice").output.contains("50 GB"))
    try second.run("quota-sync").requireSuccess()
    try second.run("quota-admin", "set", "alice", "--quota", "2GB").requireSuccess()
    try first.run("quota-sync").requireSuccess()
    #expect(try first.run("quota-admin", "show", "alice").output.contains("2 GB"))
    let away = try Program.run(
      Program.path("quota-admin"), ["set", "alice", "--quota", "3GB"],
      environment: ["QUOTA_CONFIG": first.settings, "SYNC": "host=/nowhere"], timeout: 120)
    #expect(away.status == 69 && away.errors.contains("nothing was changed"), "\(away.errors)")
    #expect(try first.run("quota-admin", "show", "alice").output.contains("2 GB"))
    try second.run("quota-admin", "remove", "alice", "--yes").requireSuccess()
    try first.run("quota-sync").requireSuccess()
    #expect(try first.run("quota-admin", "show", "alice").status == 65)
  }

  @Test func `What was moved on all hosts is told by each, and by none while the centre is away`()
    throws
  {
    let first = try Host(database.settings)
    let second = try Host(database.settings)
    try first.run("quota-sync", "--init").requireSuccess()
    try first.run("quota-admin", "add", "alice").requireSuccess()
    for (host, name) in [(first, "vpn1"), (second, "vpn2")] {
      try host.run("quota-sync", "--join", "--host", name).requireSuccess()
      try LedgerProbe("\(host.folder.path)/quota.db").raiseUsage(ofTenth: 1, by: 1_000_000)
      try host.run("quota-sync").requireSuccess()
    }
    for host in [first, second] {
      let hosts = try host.run("quota-admin", "usage", "alice", "--by", "host", "--csv")
      #expect(
        hosts.output.split(separator: "\r\n").dropFirst()
          == ["alice,,vpn1,1000000,0,1000000", "alice,,vpn2,1000000,0,1000000"], "\(hosts.errors)")
      let top = try host.run("quota-admin", "top", "--all-hosts").output
      #expect(top.contains("alice       0 B    2 MB   2 MB   100%"), "\(top)")
    }
    #expect(try first.run("quota-admin", "usage").output.contains("1 MB"))
    let away = try Program.run(
      Program.path("quota-admin"), ["usage", "--all-hosts"],
      environment: ["QUOTA_CONFIG": first.settings, "SYNC": "host=/nowhere"], timeout: 120)
    #expect(away.status == 69 && away.output.isEmpty)
    #expect(away.errors.hasPrefix("quota-admin: error: the other hosts cannot be asked: "))
    let bad = try first.run("quota-sync", "--usage", input: "{}\n")
    #expect(
      bad.status == 65
        && bad.errors == "quota-sync: error: line 1 of standard input is no question\n")
  }

  @Test func `A change that is none is named by its line`() throws {
    let host = try Host(database.settings)
    try host.run("quota-sync", "--init").requireSuccess()
    try host.run("quota-sync", "--join", "--host", "a").requireSuccess()
    let outcome = try host.run("quota-sync", "--change", input: "{}\n")
    #expect(outcome.status == 65)
    #expect(outcome.errors == "quota-sync: error: line 1 of standard input is no change\n")
    #expect(try host.run("quota-sync", "--change", input: "").status == 0)
  }

  @Test func `A centre that is away is status 69 with a hint, and users are let in as before`()
    throws
  {
    let host = try Host(database.settings)
    try host.run("quota-sync", "--init").requireSuccess()
    try host.run("quota-sync", "--join", "--host", "a").requireSuccess()
    let away = try Program.run(
      Program.path("quota-sync"), [],
      environment: ["QUOTA_CONFIG": host.settings, "SYNC": "host=/nowhere"], timeout: 120)
    #expect(away.status == 69)
    #expect(away.errors.hasPrefix("quota-sync: error: "))
    #expect(away.errors.contains("quota-sync: hint: this host goes on with what it last heard"))
    try host.run("quota-sweep").requireSuccess()
  }

  @Test(arguments: [
    ["--join", "--leave"], ["--dry-run"], ["--json"], ["forget"], ["hosts", "x"], ["--alone"],
    ["--grant", "x"], ["nothing"], ["--host", "a"],
  ])
  func `Words that do not go together are refused`(arguments: [String]) throws {
    let outcome = try Program.run(Program.path("quota-sync"), arguments, timeout: 120)
    #expect(outcome.status == 64 && outcome.errors.hasPrefix("quota-sync: error: "))
  }

  @Test func `Without SYNC there is nothing to speak with`() throws {
    let host = try Host("")
    let outcome = try host.run("quota-sync")
    #expect(outcome.status == 78)
    #expect(outcome.errors.hasPrefix("quota-sync: error: SYNC is empty: this host is by itself\n"))
  }
}
