import TestSupport
import Testing

@Suite struct `What people read` {
  @Test func `a list is aligned`() throws {
    let bench = try Bench()
    try bench.populate()
    try bench.admin("add", "carol", "--quota", "1MB")
    try bench.probe.addUsage(Usage(sent: 1_000_000), of: "carol")
    try bench.admin("disable", "bob")
    #expect(
      try bench.admin("list").output
        == """
        USER   STATE             USED       QUOTA  SHARE  SESSIONS
        alice  active           2 GiB      10 GiB    20%         2
        bob    disabled           0 B   unlimited      -         0
        carol  over quota  976.56 KiB  976.56 KiB   100%         0

        """)
  }

  @Test func `a list of nobody is its heading, and how to fill it`() throws {
    let outcome = try Bench().admin("list")
    #expect(outcome.output == "USER  STATE  USED  QUOTA  SHARE  SESSIONS\n" && outcome.status == 0)
    #expect(
      outcome.errors.contains(
        "hint: users come with their first connection, or by: quota-admin add"))
  }

  @Test func `a user is shown with sessions and with what would happen at the door`() throws {
    let bench = try Bench()
    try bench.populate()
    let shown = try bench.admin("show", "alice").output
    // How long it lasts at this pace depends on the day.
    let pace = /\ \ pace      used up on \d{4}-\d\d-\d\d \d\d:\d\d if this goes on\n/
    #expect(
      shown.replacing(pace, with: "") == """
        alice
          state     enabled
          quota     10 GiB
          used      2 GiB, 20% of the quota
          download  1.5 GiB
          upload    512 MiB
          created   2026-11-23 20:36
          now       would be let in: 8 GiB left
          sessions  2 at the last sweep
            SERVER  ADDRESS   FROM            SINCE             DOWNLOAD  UPLOAD
            home    10.8.0.2  192.0.2.7:1194  2026-11-23 20:36     2 KiB   1 KiB
            -       10.8.0.3  -               2026-11-23 20:37       0 B     0 B

        """)
    #expect(
      try bench.admin("show", "bob").output == """
        bob
          state     enabled
          quota     unlimited
          used      0 B
          download  0 B
          upload    0 B
          created   2026-11-23 20:36
          now       would be let in: there is no quota
          sessions  none at the last sweep

        """)
  }

  @Test func `what counts is what COUNT says`() throws {
    let bench = try Bench()
    try bench.populate()
    try bench.admin("set", "alice", "--quota", "1GiB")
    bench.settings["COUNT"] = "received"
    let outcome = try bench.admin("show", "alice").output
    #expect(outcome.contains("  used      512 MiB, 50% of the quota\n"))
    #expect(outcome.contains("  download  1.5 GiB (does not count)\n"))
    #expect(outcome.contains("  now       would be let in: 512 MiB left\n"))
    bench.settings["COUNT"] = "sent"
    #expect(
      try bench.admin("show", "alice").output.contains(
        "  now       would be refused: traffic quota used up\n"))
  }

  @Test func `times are those of the zone in the settings`() throws {
    let bench = try Bench()
    try bench.populate()
    bench.settings["TIME_ZONE"] = "Asia/Tehran"
    #expect(try bench.admin("show", "bob").output.contains("created   2026-11-24 00:06\n"))
  }

  @Test func `every change says in a line what is so now`() throws {
    let bench = try Bench()
    try bench.populate()
    let monthly =
      "; it never starts over: quota-admin set dora --period month makes it monthly"
    for (arguments, line) in [
      (["add", "carol"], "added carol, quota unlimited"),
      (["add", "dora", "--quota", "1.5G"], "added dora, quota 1.5 GiB" + monthly),
      (["set", "bob", "--quota", "1K"], "bob now has quota 1 KiB"),
      (["set", "bob", "--quota", "1024B"], "bob has quota 1 KiB already"),
      (["set", "bob", "--quota", "unlimited"], "bob now has quota unlimited"),
      (["disable", "bob"], "bob is now disabled"),
      (["disable", "bob"], "bob is disabled already"),
      (["enable", "bob"], "bob is now enabled"),
      (["enable", "bob"], "bob is enabled already"),
      (
        ["set", "alice", "--quota", "2GiB"],
        "alice now has quota 2 GiB; kept out: traffic quota used up; "
          + "2 sessions will end with the next sweep"
      ),
      (["disable", "alice"], "alice is now disabled; 2 sessions will end with the next sweep"),
      (
        ["enable", "alice"],
        "alice is now enabled; kept out: traffic quota used up; "
          + "2 sessions will end with the next sweep"
      ),
    ] {
      let outcome = try Program.run(
        Program.path("quota-admin"), arguments, environment: bench.settings)
      #expect(outcome.output == line + "\n" && outcome.isFine)
    }
  }

  @Test func `a user without a quota named gets the default one`() throws {
    let bench = try Bench()
    bench.settings["DEFAULT_QUOTA"] = "5 GiB"
    #expect(try bench.admin("add", "alice").output == "added alice, quota 5 GiB\n")
  }

  @Test func `the version and the help are there to be asked for`() throws {
    let bench = try Bench()
    #expect(try bench.admin("--version").output.hasPrefix("quota-admin 0."))
    for command in [
      "add", "set", "list", "show", "enable", "disable", "reset", "grant", "grants", "revoke",
      "plan", "history", "notify",
    ] {
      let help = try bench.admin(command, "--help")
      #expect(help.output.contains("Example: quota-admin \(command)") && help.isFine)
      #expect(try bench.admin().output.contains("  \(command) "))
    }
  }
}
