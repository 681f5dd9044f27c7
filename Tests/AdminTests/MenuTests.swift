import Foundation
import TestSupport
import Testing

@Suite struct `The menu` {
  private let choose = "Choose, or press Enter for the menu: "

  @Test func `is there on a terminal without being asked for, and 0 leaves it`() throws {
    let seen = try Screen.run(Bench(), typing: [(choose, "0\n")])
    #expect(seen.status == 0 && seen.missed == nil)
    #expect(seen.text.hasPrefix("openvpn-quota 0."))
    #expect(seen.text.contains("\n  7  Set user quota\n"))
    #expect(seen.text.contains("\n  0  Leave\n\n\(choose)0\n"))
  }

  @Test func `sets a quota by 7: the name, then the size`() throws {
    let bench = try Bench()
    try bench.admin("add", "alice")
    let seen = try Screen.run(
      bench, ["menu"],
      typing: [(choose, "7\n"), ("Name: ", "alice\n"), ("unlimited: ", "5GB\n"), (choose, "0\n")])
    #expect(seen.status == 0 && seen.missed == nil)
    #expect(seen.text.contains("\nalice now has quota 4.66 GiB\n\(choose)"))
    #expect(try bench.probe.users.map(\.quota) == [5_000_000_000])
  }

  @Test func `does what each item says`() throws {
    let bench = try Bench()
    let page = bench.folder.path + "/page.html"
    let seen = try Screen.run(
      bench,
      typing: [
        (choose, "3\n"), ("Name: ", "-bob\n"), ("nothing: ", "\n"), ("nothing: ", "\n"),
        ("added -bob, quota unlimited", "3\n"), ("Name: ", "علی\n"), ("nothing: ", "1 GiB\n"),
        ("nothing: ", "\n"),
        ("added علی, quota 1 GiB", "5\n"), ("Name: ", "-bob\n"), ("is now disabled", "4\n"),
        ("Name: ", "-bob\n"), ("is now enabled", "1\n"), ("علی   active", "2\n"),
        ("Name: ", "علی\n"), ("would be let in", "6\n"), ("everybody: ", "\n"), ("DAY", "8\n"),
        ("SHARE", "9\n"), ("everybody: ", "-bob\n"), ("enabled", "10\n"), ("File: ", "\(page)\n"),
        ("wrote \(page)", "13\n"), ("Name: ", "-bob\n"), ("10GB: ", "1GB\n"),
        (choose, "15\n"), ("Name: ", "-bob\n"), ("New name: ", "bob\n"), (choose, "16\n"),
        ("Name: ", "bob\n"), ("[y/N] ", "y\n"), ("removed bob", "\n"), ("0  Leave", "q\n"),
      ])
    #expect(seen.missed == nil && seen.status == 0, "\(seen.screen)")
    #expect(FileManager.default.fileExists(atPath: page))
  }

  @Test func `gives a period and a plan, and asks about bytes`() throws {
    let bench = try Bench()
    let seen = try Screen.run(
      bench,
      typing: [
        (choose, "3\n"), ("Name: ", "ann\n"), ("nothing: ", "5GiB\n"), ("nothing: ", "\n"),
        ("it never starts over", "19\n"), ("Name: ", "ann\n"), ("year: ", "month\n"),
        ("ann now has period month", "20\n"), ("there are no plans yet", "21\n"),
        ("Name of the plan: ", "basic\n"), ("unlimited: ", "50GiB\n"), ("nothing: ", "week\n"),
        ("added plan basic: quota 50 GiB, period week", "22\n"), ("Name: ", "ann\n"),
        ("or none: ", "basic\n"), ("ann now has plan basic", "7\n"), ("Name: ", "ann\n"),
        ("unlimited: ", "50\n"), ("--quota 50 is 50 bytes; is that what you mean? [y/N] ", "n\n"),
        ("hint: write a unit, as in 50GB", "7\n"), ("Name: ", "ann\n"), ("unlimited: ", "60\n"),
        ("[y/N] ", "y\n"), ("ann now has quota 60 B", "23\n"), ("Name: ", "ann\n"),
        ("or cut: ", "1Mbit\n"), ("a rate takes FENCE=yes", "0\n"),
      ])
    #expect(seen.missed == nil && seen.status == 0, "missed \(seen.missed ?? ""): \(seen.screen)")
    #expect(try bench.probe.users.map(\.quota) == [60])
  }

  @Test func `shows what a sweep came to, and no line of the log`() throws {
    let bench = try Bench()
    bench.settings["LOG_FILE"] = bench.folder.path + "/log"
    bench.settings["MANAGEMENT"] = "home=unix:/nonexistent/home.sock"
    let seen = try Screen.run(
      bench, typing: [(choose, "17\n"), ("0 sessions, 0 B added", "0\n")])
    #expect(seen.missed == nil, "\(seen.screen)")
    #expect(!seen.text.contains("info:") && !seen.text.contains("swept"))
    let log = try String(contentsOfFile: bench.folder.path + "/log", encoding: .utf8)
    #expect(log.contains("quota-admin: swept"))
  }

  @Test func `says what a command would say, and goes on`() throws {
    let bench = try Bench()
    try bench.admin("add", "alice")
    let seen = try Screen.run(
      bench,
      typing: [
        (choose, "7\n"), ("Name: ", "alise\n"), ("unlimited: ", "5GB\n"),
        ("hint: did you mean alice?", "7\n"), ("Name: ", "alice\n"), ("unlimited: ", "5 parsecs\n"),
        ("--quota is \"5 parsecs\"; not a size; allowed are", "99\n"),
        ("hint: choose a number from 0 to ", "\u{15}list\n"),
        ("there is no \"list\" in the menu", "2\n"), ("Name: ", "\n"), ("nothing was done", "0\n"),
      ])
    #expect(seen.missed == nil && seen.status == 0, "\(seen.screen)")
    #expect(try bench.probe.users.map(\.quota) == [0])
  }

  @Test func `survives Ctrl-C at any question`() throws {
    let bench = try Bench()
    try bench.admin("add", "alice", "--quota", "1K")
    let seen = try Screen.run(
      bench,
      typing: [
        (choose, Screen.controlC), ("0 leaves the menu", "7\n"), ("Name: ", Screen.controlC),
        ("nothing was done", "7\n"), ("Name: ", "alice\n"), ("unlimited: ", "5G" + Screen.controlC),
        ("nothing was done", Screen.controlC), ("0 leaves the menu", "0\n"),
      ])
    #expect(seen.missed == nil && seen.status == 0, "missed \(seen.missed ?? ""): \(seen.screen)")
    #expect(try bench.probe.users.map(\.quota) == [1024])
  }

  @Test(arguments: [0, 1, 2])
  func `ends with its input, wherever that is`(answers: Int) throws {
    let bench = try Bench()
    try bench.admin("add", "alice", "--quota", "1K")
    let steps: [Screen.Step] = [(choose, "7\n"), ("Name: ", "alice\n"), ("unlimited: ", "")]
    let last = [choose, "Name: ", "unlimited: "][answers]
    let seen = try Screen.run(
      bench, typing: Array(steps.prefix(answers)) + [(last, Screen.controlD)])
    #expect(seen.missed == nil && seen.status == 0, "\(seen.screen)")
    let piped = try bench.shell(
      "printf '%s' '\(["", "7\n", "7\nalice\n"][answers])' | quota-admin menu")
    #expect(piped.isFine)
    #expect(try bench.probe.users.map(\.quota) == [1024])
  }

  @Test func `takes its answers from a script as well`() throws {
    let bench = try Bench()
    let outcome = try bench.shell(
      #"printf '3\nalice\n2GB\nmonth\n7\nalice\n3GB' | quota-admin menu"#)
    #expect(outcome.isFine)
    #expect(try bench.probe.users.map(\.quota) == [3_000_000_000])
  }

  @Test func `is not what a script gets that forgot the arguments`() throws {
    let outcome = try Bench().shell("quota-admin < /dev/null")
    #expect(outcome.output.contains("USAGE: quota-admin") && outcome.isFine)
  }
}
