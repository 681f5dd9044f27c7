import Foundation
import TestSupport
import Testing

@Suite struct `What goes wrong` {
  @Test func `an unknown user is an error that names the nearest known one`() throws {
    let bench = try Bench()
    try bench.populate()
    for arguments in [
      ["show", "alise"], ["set", "alise", "--quota", "1G"], ["enable", "alise"],
      ["disable", "Alice"],
    ] {
      let outcome = try Program.run(
        Program.path("quota-admin"), arguments, environment: bench.settings)
      #expect(outcome.status == 65 && outcome.output.isEmpty)
      #expect(
        outcome.errors == """
          quota-admin: error: there is no user \(arguments[1])
          quota-admin: hint: did you mean alice?

          """)
    }
  }

  @Test(arguments: [
    ("allow", "a stranger is let in and created, quota 1 GiB"),
    ("reject", "a stranger is kept out"), ("ignore", "a stranger is let in and not metered"),
  ])
  func `show says what would happen to a stranger`(rule: String, fate: String) throws {
    let bench = try Bench()
    bench.settings["UNKNOWN_USERS"] = rule
    bench.settings["DEFAULT_QUOTA"] = "1GiB"
    let outcome = try bench.admin("show", "mallory")
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("hint: UNKNOWN_USERS is \(rule): \(fate)\n"))
  }

  @Test func `a user cannot be added twice`() throws {
    let bench = try Bench()
    try bench.admin("add", "alice", "--quota", "1K")
    let outcome = try bench.admin("add", "alice", "--quota", "2K")
    #expect(outcome.status == 65)
    #expect(
      outcome.errors == """
        quota-admin: error: there is a user alice already
        quota-admin: hint: quota-admin set changes the quota of a user

        """)
    #expect(try bench.probe.users.map(\.quota) == [1024])
  }

  @Test(arguments: [
    (["lst"], #"there is no command "lst""#, "did you mean: quota-admin list"),
    (["frobnicate"], #"there is no command "frobnicate""#, "quota-admin --help lists the commands"),
    (
      ["enable"], "missing expected argument '<name> ...'",
      "usage: quota-admin enable [--config <file>] <name> ..."
    ),
    (["set", "alice"], "nothing is to be set", "quota-admin set --help lists what can be"),
    (["list", "--jsn"], "unknown option '--jsn'", "did you mean '--json'?"),
    (
      ["--config", "x", "list"], "unknown option '--config'",
      "options go behind the command, as in: quota-admin list --config FILE"
    ),
    (
      ["show", "a\u{1B}[1m", "b\u{1B}[1m"], "unexpected argument 'b\\x1B[1m'",
      "usage: quota-admin show [--config <file>] [--json] <name>"
    ),
  ])
  func `a wrong command line ends with 64, in our voice`(
    arguments: [String], message: String, hint: String
  ) throws {
    let outcome = try Program.run(Program.path("quota-admin"), arguments, environment: [:])
    #expect(outcome.status == 64 && outcome.output.isEmpty)
    #expect(outcome.errors == "quota-admin: error: \(message)\nquota-admin: hint: \(hint)\n")
  }

  @Test func `a bad setting ends with 78 and names file and line`() throws {
    let bench = try Bench()
    let file = try bench.folder.write("LOG_LEVEL=info\nCOUNT=all\n", to: "quota.conf")
    let outcome = try bench.admin("list", "--config", file)
    #expect(outcome.status == 78)
    #expect(outcome.errors.hasPrefix("quota-admin: error: \(file):2: COUNT is \"all\"; allowed"))
    let missing = try bench.admin("list", "--config", bench.folder.path + "/none")
    #expect(missing.status == 78 && missing.errors.contains("No such file or directory"))
    let typo = try bench.folder.write("COUNTS=sent\n", to: "typo.conf")
    let warned = try bench.admin("list", "--config", typo)
    #expect(warned.status == 0)
    #expect(
      warned.errors.hasPrefix(
        "quota-admin: warning: \(typo):1: unknown key \"COUNTS\"; did you mean COUNT?\n"))
  }

  @Test func `a missing directory is named with the command that makes it`() throws {
    let bench = try Bench()
    bench.settings["DATABASE"] = bench.folder.path + "/a/quota.db"
    let outcome = try bench.admin("list")
    #expect(outcome.status == 73)
    let folder = "\(bench.folder.path)/a"
    #expect(
      outcome.errors == """
        quota-admin: error: cannot create \(folder)/quota.db: there is no directory \(folder)
        quota-admin: hint: the database's directory must exist: install -d -m 2750 -o openvpn-quota -g openvpn-quota \(folder)

        """)
  }

  @Test func `a database that cannot be used is left as it is`() throws {
    let bench = try Bench()
    try bench.folder.write("this is no database, however long one looks at it", to: "quota.db")
    #expect(try bench.admin("list").status == 65)
    #expect(try String(contentsOfFile: bench.path, encoding: .utf8).hasPrefix("this is no"))
    try FileManager.default.removeItem(atPath: bench.path)
    try bench.admin("list")
    try bench.probe.setSchemaVersion(99)
    let newer = try bench.admin("add", "alice")
    #expect(newer.status == 65 && newer.errors.contains("has schema 99"))
    let directory = bench.folder.path + "/directory"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: false)
    bench.settings["DATABASE"] = directory
    #expect(try [73, 78].contains(bench.admin("list").status))
  }

  @Test(.enabled(if: getuid() == 0, "only root can become another user"))
  func `a user without the right is told so and ends with 77`() throws {
    let bench = try Bench()
    try bench.admin("add", "alice")
    let program = try Program.copy("quota-admin", into: bench.folder.path)
    bench.settings["PATH"] = "/usr/bin:/bin"
    for path in [bench.path, bench.folder.path + "/new.db"] {
      bench.settings["DATABASE"] = path
      let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", program, "list"]
      let outcome = try Program.run("setpriv", nobody, environment: bench.settings)
      #expect(outcome.status == 77)
      #expect(outcome.errors.contains("Permission denied"))
      #expect(outcome.errors.contains("hint: run it as root, or as the user openvpn-quota"))
    }
  }

  @Test func `output that cannot be written ends with 74`() throws {
    let bench = try Bench()
    let outcome = try bench.shell("quota-admin list >/dev/full")
    #expect(outcome.status == 74)
    #expect(outcome.errors.contains("cannot write to standard output: No space left on device"))
  }
}
