import Foundation
import TestSupport
import Testing

@Suite struct `Several users at once` {
  private func bench() throws -> Bench {
    let bench = try Bench()
    for name in ["alice", "bob", "carol"] { try bench.admin("add", name) }
    return bench
  }

  private func disabled(_ bench: Bench) throws -> Int {
    try bench.probe.users.count { $0.status == "disabled" }
  }

  @Test func `are switched together, or none of them`() throws {
    let bench = try bench()
    let failed = try bench.admin("disable", "alice", "bob", "dora")
    #expect(failed.status == 65 && failed.output.isEmpty)
    #expect(failed.errors.hasPrefix("quota-admin: error: there is no user dora\n"))
    #expect(try disabled(bench) == 0)
    #expect(
      try bench.admin("disable", "alice", "bob", "alice").output
        == "alice is now disabled\nbob is now disabled\n")
    #expect(
      try bench.admin("enable", "carol", "bob").output
        == "carol is enabled already\nbob is now enabled\n")
  }

  @Test func `come from standard input as well`() throws {
    let bench = try bench()
    #expect(try bench.shell(#"quota-admin add "$(printf 'x\377')" >/dev/null"#).isFine)
    let outcome = try bench.shell(#"printf 'alice\r\n\nx\377\ncarol' | quota-admin disable - bob"#)
    #expect(outcome.isFine)
    #expect(try disabled(bench) == 4)
    #expect(try bench.shell("quota-admin enable - </dev/null").isFine)
    #expect(try bench.shell(#"printf 'alice\nbo\033b\n' | quota-admin enable -"#).status == 65)
    #expect(try disabled(bench) == 4)
  }

  @Test func `are removed together, or none of them`() throws {
    let bench = try bench()
    bench.settings["UNKNOWN_USERS"] = "reject"
    #expect(try bench.admin("remove", "--yes", "alice", "dora").status == 65)
    #expect(try bench.admin("remove", "alice").status == 64)
    #expect(try bench.probe.users.count == 3)
    #expect(
      try bench.admin("remove", "--yes", "alice", "bob").output == "removed alice\nremoved bob\n")
    #expect(try bench.admin("list").output.split(separator: "\n").count == 2)
    #expect(try bench.admin("show", "alice").status == 65)
    #expect(try bench.admin("disable", "alice").status == 65)
  }
}

@Suite struct `A user who is removed` {
  @Test func `may come back where strangers are let in`() throws {
    let bench = try Bench()
    try bench.populate()
    bench.settings["DEFAULT_QUOTA"] = "1GiB"
    let outcome = try bench.admin("remove", "--yes", "alice")
    #expect(outcome.status == 0)
    #expect(outcome.output == "removed alice; 2 sessions may go on to their end\n")
    #expect(
      outcome.errors == """
        quota-admin: notice: UNKNOWN_USERS is allow: who is removed may come back, quota 1 GiB
        quota-admin: hint: quota-admin disable keeps a user out

        """)
  }

  @Test func `is disconnected where they are not`() throws {
    let bench = try Bench()
    try bench.populate()
    bench.settings["UNKNOWN_USERS"] = "reject"
    let outcome = try bench.admin("remove", "--yes", "--purge", "alice")
    #expect(outcome.isFine)
    #expect(
      outcome.output == "removed alice with all history; 2 sessions will end with the next sweep\n")
  }

  @Test func `is gone from every list, and can be added anew`() throws {
    let bench = try Bench()
    try bench.populate()
    try bench.admin("remove", "--yes", "alice")
    for command in [["list"], ["list", "--json"], ["export", "--csv"], ["export", "--json"]] {
      let outcome = try Program.run(
        Program.path("quota-admin"), command, environment: bench.settings)
      #expect(outcome.isFine && !outcome.output.contains("alice"))
    }
    #expect(try bench.admin("add", "alice").isFine)
    #expect(try bench.admin("show", "alice").output.contains("  used      0 B\n"))
    // The history of who had the name before is still told of.
    #expect(try bench.admin("events").output.contains("removed"))
  }
}

@Suite struct `A user who is renamed` {
  @Test func `keeps everything`() throws {
    let bench = try Bench()
    try bench.populate()
    let outcome = try bench.admin("rename", "alice", "王小明")
    #expect(outcome.isFine && outcome.output == "alice is now called 王小明; 2 sessions stay on\n")
    let shown = try bench.admin("show", "王小明").output
    #expect(shown.contains("  used      2 GiB, 20% of the quota\n"))
    #expect(try bench.admin("list").output.split(separator: "\n").count == 3)
  }

  @Test func `takes no name that is taken, and none that nobody can have`() throws {
    let bench = try Bench()
    try bench.populate()
    let taken = try bench.admin("rename", "alice", "bob")
    #expect(taken.status == 65 && taken.errors.contains("there is a user bob already"))
    #expect(try bench.admin("rename", "alice", "").status == 65)
    #expect(try bench.admin("rename", "dora", "eve").errors.contains("there is no user dora"))
    #expect(try bench.admin("rename", "alice").status == 64)
  }
}

@Suite struct `A list` {
  private func bench() throws -> Bench {
    let bench = try Bench()
    try bench.populate()
    for (name, quota, used) in [("near", 100, 80), ("over", 100, 100), ("far", 100, 79)]
      as [(String, Int64, Int64)]
    {
      try bench.admin("add", name, "--quota", "\(quota)B")
      try bench.probe.addUsage(Usage(sent: used), of: name)
    }
    try bench.admin("disable", "over", "bob")
    return bench
  }

  private func names(_ bench: Bench, _ arguments: String...) throws -> [String] {
    let outcome = try Program.run(
      Program.path("quota-admin"), ["list"] + arguments, environment: bench.settings)
    #expect(outcome.isFine)
    return outcome.output.split(separator: "\n").dropFirst().map { String($0.prefix { $0 != " " }) }
  }

  @Test func `can be of those only who matter`() throws {
    let bench = try bench()
    #expect(try names(bench) == ["alice", "bob", "far", "near", "over"])
    #expect(try names(bench, "--over") == ["over"])
    #expect(try names(bench, "--near") == ["near"])
    #expect(try names(bench, "--near", "--over") == ["near", "over"])
    #expect(try names(bench, "--disabled") == ["bob", "over"])
    #expect(try names(bench, "--disabled", "--over") == ["over"])
    #expect(try names(bench, "--online") == ["alice"])
    try bench.admin("set", "far", "--expires", "2099-01-01")
    try bench.admin("set", "near", "--expires", "2099-01-01")
    try bench.probe.setExpiry(of: "near", 1_795_000_000)
    #expect(try names(bench, "--expired") == ["near"])
    bench.settings["NOTIFY_AT"] = "10,50"
    #expect(try names(bench, "--near") == ["alice", "far", "near"])
  }

  @Test func `can be in any order`() throws {
    let bench = try bench()
    #expect(try names(bench, "--sort", "used") == ["alice", "over", "near", "far", "bob"])
    #expect(try names(bench, "--sort", "share") == ["over", "near", "far", "alice", "bob"])
    #expect(try names(bench, "--sort", "quota") == ["bob", "alice", "far", "near", "over"])
    #expect(try names(bench, "--sort", "sessions") == ["alice", "bob", "far", "near", "over"])
    #expect(try names(bench, "--reverse") == ["over", "near", "far", "bob", "alice"])
    #expect(
      try names(bench, "--sort", "used", "--reverse") == ["bob", "far", "near", "over", "alice"])
    let wrong = try bench.admin("list", "--sort", "size")
    #expect(wrong.status == 64 && wrong.errors.contains("'size'"))
  }
}

@Suite struct `A name that is like another` {
  private func bench(_ names: [String] = ["alice"]) throws -> Bench {
    let bench = try Bench()
    for name in names { try bench.admin("add", "--", name) }
    return bench
  }

  @Test(arguments: ["Alice", " alice", "alice\u{3000}"])
  func `but for case or blanks is told of`(name: String) throws {
    let added = try bench().admin("add", name)
    #expect(added.status == 0)
    #expect(
      added.errors.contains(
        "notice: there is a user alice, who differs only in letter case or in blanks\n"))
    let bench = try bench(["bob", name])
    #expect(try bench.admin("rename", "bob", "alice").errors.contains("who differs only in"))
  }

  @Test(arguments: [
    ("ali\u{200B}ce", "alice"), ("\u{202D}Alice\u{202C}", "alice"), ("alice", "al\u{34F}ice"),
    ("jose\u{301}", "josé"), ("JOSÉ", "jose\u{301}"), ("a\u{AD}b", "a\u{2060}b"),
  ])
  func `and can only be told apart by what nobody sees is told of`(
    name: String, other: String
  ) throws {
    let added = try bench([other]).admin("add", name)
    #expect(added.status == 0)
    #expect(added.errors.contains("notice: there is a user "))
    #expect(added.errors.contains(", whose name looks the same\n"))
  }

  @Test(arguments: ["alic", "bob", "ålice", "аlicé"])
  func `in some letters only is let be`(name: String) throws {
    #expect(try bench(["alice", "åke"]).admin("add", name).isFine)
  }

  @Test func `by NAMES=fold is that one`() throws {
    let bench = try bench(["Alice"])
    bench.settings["NAMES"] = "fold"
    let added = try bench.admin("add", "ALICE ")
    #expect(added.status == 65)
    #expect(added.errors.contains("there is a user Alice already"))
    #expect(try bench.admin("disable", "aLICE").output == "Alice is now disabled\n")
    #expect(try bench.admin("rename", "ALICE", "alice").status == 0)
    let shown = try bench.admin("show", "--json", "Alice").output
    #expect(shown.contains(#""name":"alice""#))
  }
}
