import Foundation
import SQLite
import TestSupport
import Testing

@Suite struct `Export and import` {
  /// A ledger of users with all kinds of names.
  private func populated() throws -> Bench {
    let bench = try Bench()
    for (index, name) in `A backup`.names.enumerated() {
      try bench.admin("add", "--quota", "\(index * 1000)B", "--", name)
    }
    try bench.admin("disable", "王小明")
    #expect(try bench.shell(#"quota-admin add "$(printf 'b\377\302')" --quota 7B"#).isFine)
    return bench
  }

  @Test(arguments: ["--csv", "--json"])
  func `give the same again in another ledger`(format: String) throws {
    let (bench, other) = (try populated(), try Bench())
    // Through a shell, for bytes that are not UTF-8.
    let script = """
      quota-admin export \(format) >"$ONE" || exit
      DATABASE="\(other.path)" quota-admin import "$ONE" || exit
      DATABASE="\(other.path)" quota-admin export \(format) >"$TWO" || exit
      cmp "$ONE" "$TWO"
      """
    for name in ["ONE", "TWO"] { bench.settings[name] = bench.folder.path + "/\(name)" }
    let outcome = try bench.shell(script)
    #expect(outcome.status == 0 && outcome.output == "added 11, changed 0, 0 as they are\n")
    // One of the names is no UTF-8; in JSON it stands in hexadecimal digits.
    #expect(outcome.errors.contains("a name is no UTF-8") == (format == "--csv"))
    let users = try [bench, other].map { bench in
      try bench.probe.users.map {
        [$0.nameBytes, Array("\($0.status ?? "") \($0.quota ?? -1)".utf8)]
      }
    }
    #expect(users[0] == users[1] && users[0].count == 11)
    // A second time there is nothing to do.
    let again = try other.admin("import", bench.folder.path + "/ONE")
    #expect(again.output == "added 0, changed 0, 11 as they are\n")
  }

  @Test func `take what people write by hand`() throws {
    let bench = try Bench()
    bench.settings["DEFAULT_QUOTA"] = "5"
    try bench.admin("add", "carol", "--quota", "9B")
    let file = try bench.folder.write(
      "quota_bytes,name\n50GB,alice\n,bob\n,carol\nunlimited,\"o,\"\"x\"\n", to: "users.csv")
    let shown = try bench.admin("import", "--dry-run", file)
    #expect(
      shown.output == """
        would add alice
        would add bob
        would add o,"x
        would add 3, would change 0, 1 as they are

        """)
    #expect(try bench.probe.users.count == 1)
    #expect(try bench.admin("import", file).output == "added 3, changed 0, 1 as they are\n")
    #expect(try bench.probe.users.map(\.quota) == [50_000_000_000, 5, 9, 0])
    let piped = try bench.shell(
      #"printf '{"users":[{"name":"alice","enabled":false}]}' | quota-admin import -"#)
    #expect(piped.output == "added 0, changed 1, 3 as they are\n".replacing("3 as", with: "0 as"))
    #expect(try bench.probe.users.count { $0.status == "disabled" } == 1)
  }

  @Test(arguments: [
    (
      "name,enabled,quota_bytes\nalice,true,1\nbob,yes,2\ncarol,true,10XB\nalice,,\n,,\nx,y\n",
      [
        "3: enabled is \"yes\"; allowed are true and false",
        "4: quota_bytes is \"10XB\"; ", "5: alice is on line 2 already",
        "6: a user's name is empty; ", "7: there are 2 fields, and the first row names 3",
      ]
    ),
    ("nme,enabled\nalice,true\n", ["1: there is no column \"nme\"; did you mean name?"]),
    ("alice,1\n", ["1: there is no column \"alice\"; "]),
    ("", ["1: the file is empty"]),
    ("name\n\"alice\n", ["2: a quoted field has no closing quote"]),
    (
      """
      {"users": [
        {"name": "alice", "quota_bytes": "10XB"},
        {"name": "bob",
         "quota_bytes": -1}, {"nme": "x"},
        {"name": "carol", "name_hex": "zz"}, {"enabled": true}, 7
      ]}
      """,
      [
        "2: quota_bytes is \"10XB\"; ", "3: quota_bytes is \"-1\"; ",
        "4: there is no field \"nme\"; did you mean name?", "5: name_hex is \"zz\"; allowed are",
        "5: name is missing", "5: this is no object with the fields of a user",
      ]
    ),
    ("{\"users\": [", ["1: this is no JSON: there should be a value"]),
    ("{}", ["1: there is no array users in the outermost object"]),
  ])
  func `change nothing where a line is wrong, and name every one`(
    content: String, problems: [String]
  ) throws {
    let bench = try Bench()
    try bench.admin("add", "dora")
    let file = try bench.folder.write(content, to: "users")
    let outcome = try bench.admin("import", file)
    #expect(outcome.status == 65 && outcome.output.isEmpty)
    for problem in problems {
      #expect(
        outcome.errors.contains("quota-admin: error: \(file):\(problem)"), "\(outcome.errors)")
    }
    #expect(outcome.errors.hasSuffix("cannot be taken; nothing was imported\n"))
    #expect(try bench.probe.users.count == 1)
  }

  /// As spreadsheets and shells of several systems write files.
  @Test(
    arguments: [
      ("semicolons", Array("name;quota_bytes\r\nzoë;7\r\n\"a;b\";8\r\n".utf8)),
      ("tabs", Array("name\tquota_bytes\nzoë\t7\na;b\t8\n".utf8)),
      ("a mark", Array("\u{FEFF}name,quota_bytes\r\nzoë,7\r\na;b,8\r\n".utf8)),
      ("UTF-16", utf16("\u{FEFF}name\tquota_bytes\r\nzoë\t7\r\na;b\t8\r\n", isLittle: true)),
      ("UTF-16 the other way", utf16("\u{FEFF}name,quota_bytes\nzoë,7\na;b,8\n", isLittle: false)),
      ("UTF-16 without a mark", utf16("name,quota_bytes\nzoë,7\na;b,8\n", isLittle: true)),
      ("JSON with a mark", Array(("\u{FEFF}{\"users\":" + users + "}").utf8)),
      ("JSON, bare", Array(("\n" + users + "\n").utf8)),
      ("JSON, UTF-16", utf16(users, isLittle: false)),
    ] as [(String, [UInt8])])
  func `take what other programs write`(what: String, bytes: [UInt8]) throws {
    let bench = try Bench()
    let file = bench.folder.path + "/users"
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    let outcome = try bench.admin("import", file)
    #expect(outcome.isFine, "\(what): \(outcome.errors)")
    #expect(outcome.output == "added 2, changed 0, 0 as they are\n", "\(what)")
    #expect(try bench.probe.users.map(\.name) == ["a;b", "zoë"], "\(what)")
    #expect(try bench.probe.users.map(\.quota) == [8, 7], "\(what)")
  }

  private static let users =
    #"[{"name": "zoë", "quota_bytes": 7}, {"name": "a;b", "quota_bytes": 8}]"#

  private static func utf16(_ text: String, isLittle: Bool) -> [UInt8] {
    text.utf16.flatMap { unit in
      let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
      return isLittle ? [low, high] : [high, low]
    }
  }

  @Test(
    arguments: [
      ([], 65, "1: the file is empty"),
      (Array("\u{FEFF}\r\n \r\n".utf8), 65, "1: the file is empty"),
      ([0xFF, 0xFE], 65, "1: the file is empty"),
      ([0xFF, 0xFE, 0x6E], 65, "1: this is UTF-16 and damaged; save it as UTF-8"),
      ([0xFE, 0xFF, 0xD8, 0], 65, "1: this is UTF-16 and damaged"),
      (Array("name\nj".utf8) + [0xFC, 10], 0, "2: a name is no UTF-8 and taken byte by byte; is"),
      (
        Array("name\nbob\nj".utf8) + [0xFC, 10, 0xE4, 10], 0,
        "3: names from here on are no UTF-8 and taken byte by byte; is the file Latin-1?"
      ),
      (
        Array("[{\"name\": \"j".utf8) + [0xFC] + Array("\"}]".utf8), 65,
        "1: this is no JSON: there should be UTF-8, and this may be Latin-1"
      ),
    ] as [([UInt8], Int32, String)])
  func `say what cannot be read`(bytes: [UInt8], status: Int32, message: String) throws {
    let bench = try Bench()
    let file = bench.folder.path + "/users"
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    let outcome = try bench.admin("import", file)
    #expect(outcome.status == status)
    #expect(outcome.errors.contains("\(file):\(message)"), "\(outcome.errors)")
    #expect(FileManager.default.fileExists(atPath: bench.path) == (status == 0))
  }

  @Test func `say what else a file is`() throws {
    let bench = try populated()
    let database = try bench.admin("import", bench.path)
    #expect(database.status == 65 && database.errors.contains("is a database"))
    #expect(try bench.admin("import", bench.folder.path + "/none").status == 74)
    #expect(try bench.admin("import").status == 64)
    #expect(try bench.admin("export", "--csv", "--json").status == 64)
  }
}

@Suite struct `The earlier project's database` {
  private func earlier(_ bench: Bench) throws -> String {
    let path = bench.folder.path + "/vpn_manager.db"
    try Connection(path, .creating, busyTimeout: 0).execute(earlierProject)
    return path
  }

  @Test func `is taken over with users, quotas, usage and sessions, once`() throws {
    let bench = try Bench()
    let path = try earlier(bench)
    try bench.admin("add", "bob", "--quota", "5B")
    #expect(
      try bench.admin("import", "--from", path).output == "added 2, changed 1, 0 as they are\n")
    let after = try bench.dump()
    #expect(
      try bench.admin("import", "--from", path).output == "added 0, changed 0, 3 as they are\n")
    #expect(try bench.dump() == after)
    let users = try bench.probe.users
    #expect(users.map(\.name) == ["alice", "bob", "carol"])
    #expect(users.map(\.status) == ["active", "disabled", "active"])
    #expect(users.map(\.quota) == [1000, 0, 0])
    #expect(users.map(\.passwordHash) == ["hash", nil, nil])
    let usage = ["alice": Usage(received: 300, sent: 600), "bob": Usage(sent: 77)]
    #expect(users.map(\.bytesUsed) == [900, 77, 0])
    for measure in [LedgerProbe.Measure.periods, .history] {
      #expect(try bench.probe.usage(by: measure).filter { $0.value.total > 0 } == usage)
    }
    #expect(try bench.probe.loggedSessions.map(\.user) == ["alice", "alice"])
  }

  /// The command of docs/upgrade.md, on what that project's Python left: a database that it still has
  /// open, with a write-ahead log, and times as Python writes them.
  @Test func `is taken over by the one command of the manual, its days in reports at once`() throws
  {
    let bench = try Bench()
    bench.settings["UNITS"] = nil
    let path = try earlier(bench)
    let daemon = try Connection(path, busyTimeout: 0)
    try daemon.execute(
      """
      PRAGMA journal_mode = WAL;
      UPDATE user_quotas SET quota_bytes = 50000000000, bytes_used = 4000000000 WHERE user_id = 1;
      UPDATE traffic_logs SET bytes_received = 500000000, bytes_sent = 1500000000,
        log_timestamp = iif(id = 1, '2026-08-31 22:10:00', '2026-09-05T08:00:00.123456');
      """)
    let manual = try String(
      contentsOfFile: #filePath.replacing(
        "Tests/AdminTests/ImportTests.swift", with: "docs/upgrade.md"),
      encoding: .utf8)
    let command = try #require(manual.firstMatch(of: /\n    sudo (quota-admin import .*)\n/)).output
      .1
    let taken = try bench.shell(
      String(command).replacing("/etc/openvpn/vpn_manager.db", with: path))
    #expect(taken.isFine && taken.output == "added 3, changed 0, 0 as they are\n", "\(taken)")
    let list = try bench.admin("list").output
    #expect(list.contains("alice  active    4 GB      50 GB     8%         0\n"), "\(list)")
    let months = try bench.admin(
      "usage", "--by", "month", "--since", "2026-08-01", "--until", "2026-09-30", "--csv"
    ).output
    #expect(months.contains(",,2026-08-01,500000000,1500000000,2000000000"), "\(months)")
    #expect(months.contains(",,2026-09-01,500000000,1500000000,2000000000"), "\(months)")
    let days = try bench.admin("usage", "alice", "--since", "2026-09-05", "--until", "2026-09-05")
      .output
    #expect(days.contains("2026-09-05"), "\(days)")
    _ = consume daemon
  }

  @Test func `is only looked at in a dry run, and never written to`() throws {
    let bench = try Bench()
    let path = try earlier(bench)
    let before = try bench.dump(of: path)
    let outcome = try bench.admin("import", "--dry-run", "--from", path)
    #expect(outcome.output.hasSuffix("would add 3, would change 0, 0 as they are\n"))
    #expect(try bench.probe.users.isEmpty)
    try bench.admin("import", "--from", path)
    #expect(try bench.dump(of: path) == before)
  }

  @Test func `is told from what is none`() throws {
    let bench = try Bench()
    try bench.admin("list")
    let other = bench.folder.path + "/other.db"
    try Connection(other, .creating, busyTimeout: 0).execute("CREATE TABLE songs (name TEXT)")
    for file in [other, bench.folder.path + "/none", try bench.folder.write("no", to: "text")] {
      let outcome = try bench.admin("import", "--from", file)
      #expect([65, 74].contains(outcome.status) && outcome.output.isEmpty, "\(outcome)")
    }
    #expect(try bench.probe.users.isEmpty)
  }
}

@Suite struct `Terms and plans in export and import` {
  /// A ledger with a user for each kind of terms.
  private func populated() throws -> Bench {
    let bench = try Bench()
    for command in [
      ["plan", "add", "gold", "--quota", "50GB", "--period", "month", "--reset-day", "5"],
      ["plan", "add", "trial", "--expires", "+30d", "--from-first-connection"],
      ["plan", "add", "empty"],
      ["add", "follows", "--plan", "gold"],
      ["add", "own", "--plan", "gold", "--quota", "1GB", "--period", "none", "--grace", "5%"],
      ["add", "waiting", "--plan", "trial", "--quota", "7B"],
      ["add", "runs", "--quota", "7B", "--expires", "+30d"],
      ["add", "ends", "--quota", "7B", "--expires", "2030-12-31", "--grace", "1MB"],
      ["add", "never", "--plan", "trial", "--expires", "never"],
      ["add", "weekly", "--quota", "1GB", "--period", "week", "--reset-day", "monday"],
      ["add", "thirty", "--period", "30d", "--max-sessions", "3"],
      ["add", "exempt", "--exempt"], ["add", "enforced", "--no-exempt", "--plan", "empty"],
    ] {
      let outcome = try Program.run(
        Program.path("quota-admin"), command, environment: bench.settings)
      #expect(outcome.isFine, "\(command) \(outcome.errors)")
    }
    return bench
  }

  @Test func `are the same again in another ledger, by JSON with the plans`() throws {
    let (bench, other) = (try populated(), try Bench())
    let exported = try bench.admin("export", "--json").output
    let file = try bench.folder.write(exported, to: "users.json")
    let outcome = try other.admin("import", file)
    #expect(outcome.isFine)
    #expect(outcome.output == "added 10, changed 0, 0 as they are; 3 of the plans\n")
    #expect(try other.admin("export", "--json").output == exported)
    // What holds is the same too, as far as no time has passed.
    let (here, there) = try (bench.admin("list").output, other.admin("list").output)
    #expect(here == there)
    for ledger in [bench, other] {
      #expect(try ledger.admin("import", file).output == "added 0, changed 0, 10 as they are\n")
    }
  }

  @Test func `are the same again by CSV where the plans are`() throws {
    let (bench, other) = (try populated(), try Bench())
    let exported = try bench.admin("export", "--csv").output
    let file = try bench.folder.write(exported, to: "users.csv")
    let refused = try other.admin("import", file)
    #expect(refused.status == 65 && refused.output.isEmpty)
    #expect(refused.errors.contains(":5: there is no plan"), "\(refused.errors)")
    #expect(refused.errors.contains("5 lines of "))
    #expect(try other.probe.users.isEmpty)
    let plans = try bench.folder.write(
      bench.admin("export", "--json").output.replacing(/"users":\[[^\]]*\]/, with: "\"users\":[]"),
      to: "plans.json")
    #expect(try other.admin("import", plans).isFine)
    #expect(try other.admin("import", file).output == "added 10, changed 0, 0 as they are\n")
    #expect(try other.admin("export", "--csv").output == exported)
  }

  @Test func `change those who are there, and what is left out stays`() throws {
    let bench = try populated()
    let file = try bench.folder.write(
      """
      name,plan,period,quota_bytes
      own,,month,
      weekly,gold,,
      follows,gold,,
      """, to: "users.csv")
    #expect(try bench.admin("import", file).output == "added 0, changed 2, 1 as they are\n")
    let exported = try bench.admin("export", "--csv").output
    #expect(exported.contains("own,true,,1000000000,month 1,,,,,0,5,,,\r\n"))
    #expect(exported.contains("weekly,true,gold,,,,,,,,,,,\r\n"))
  }

  @Test(arguments: [
    ("period\nfortnight", "period: "), ("expires_at\nsoon", "--expires: "),
    ("expires_at\n2020-01-01", "is past"), ("expires_after_seconds\n-1", "allowed are whole"),
    ("max_sessions\nmany", "max_sessions is \"many\"; allowed are whole numbers from 0"),
    ("grace_percent\n2000", "allowed are whole numbers from 0 to 1000"),
    ("exempt\nmaybe", "exempt is \"maybe\"; allowed are true and false"),
    ("plan\nno such", "is no name of a plan"), ("plan\nsilver", "there is no plan"),
    ("grace_bytes\n5", "grace is what may be used past a quota"),
  ])
  func `say what is allowed`(column: String, complaint: String) throws {
    let bench = try Bench()
    let parts = column.split(separator: "\n")
    let file = try bench.folder.write("name,\(parts[0])\nalice,\(parts[1])\n", to: "users.csv")
    let outcome = try bench.admin("import", file)
    #expect(outcome.status == 65)
    #expect(outcome.errors.contains("\(file):2: ") && outcome.errors.contains(complaint))
  }
}

@Suite struct `Long work` {
  @Test func `shows on a terminal how far it is, and nowhere else`() throws {
    let bench = try Bench()
    let lines = (1...120_000).map { "user\($0)\n" }.joined()
    let file = try bench.folder.write("name\n" + lines, to: "users.csv")
    let command = "\(Program.path("quota-admin")) import --dry-run \(file)"
    var environment = bench.settings
    environment["PATH"] = "/usr/bin:/bin"
    let shown = try Program.run(
      "script", ["-qefc", "\(command) | tail -1", "/dev/null"], environment: environment)
    #expect(shown.status == 0)
    #expect(shown.output.contains(#/\rimporting: [0-9]+%/#))
    #expect(shown.output.hasSuffix("would add 120000, would change 0, 0 as they are\r\n"))
    let silent = try bench.admin("import", "--dry-run", file)
    #expect(silent.isFine)
  }
}
