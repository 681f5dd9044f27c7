import Foundation
import SQLite
import Support
import TestSupport
import Testing

@testable import Admin

/// `quota-admin` on a host that shares its users, beside a `quota-sync` that only keeps what it is told.
private struct SharingHost {
  let bench: Bench

  init() throws {
    bench = try Bench()
    try bench.admin("add", "alice", "--quota", "1GiB")
    let folder = bench.folder.path
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder)/quota-admin", withDestinationPath: Program.path("quota-admin"))
    try bench.folder.write(
      """
      #!/bin/sh
      echo "run $*" >>"\(folder)/told"
      cat >>"\(folder)/told"
      cat "\(folder)/word"
      exit "$(cat "\(folder)/status")"

      """, to: "quota-sync", mode: 0o755)
    try answer(0)
    try change(
      """
      INSERT INTO meta VALUES ('sync.host', 'berlin'), ('sync.id', '1'), ('sync.hosts', '3');
      UPDATE users SET uid = 'u-' || username;
      INSERT INTO shared (kind, key, version, content, is_removed)
      VALUES ('user', 'u-alice', 7, '{"name":"alice","quota":"1073741824","status":"active"}', 0);
      """)
  }

  /// Has `quota-sync` end with a status from here on, after it said a word or nothing.
  func answer(_ status: Int32, _ word: String = "") throws {
    try bench.folder.write("\(status)\n", to: "status")
    try bench.folder.write(word, to: "word")
  }

  func change(_ sql: String) throws {
    try Connection(bench.path, busyTimeout: 20_000).execute(sql)
  }

  @discardableResult
  func admin(_ arguments: String...) throws -> Outcome {
    try Program.run(
      bench.folder.path + "/quota-admin", arguments, environment: bench.settings)
  }

  /// What `quota-sync` was told, a line each.
  var told: [String] {
    let bytes = FileManager.default.contents(atPath: bench.folder.path + "/told") ?? Data()
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}

@Suite struct `On a host that shares its users` {
  @Test func `a change goes to the centre, and the ledger waits for what comes from there`() throws
  {
    let host = try SharingHost()
    let outcome = try host.admin("set", "alice", "--quota", "2GiB")
    #expect(outcome.isFine)
    #expect(outcome.output == "alice now has quota 2 GiB\n")
    #expect(
      host.told == [
        "run --change",
        #"{"kind":"user","key":"u-alice","name":"alice","removed":false,"version":7,"#
          + #""content":"{\"name\":\"alice\",\"quota\":\"2147483648\",\"status\":\"active\"}"}"#,
      ])
    #expect(try host.bench.probe.user("alice")?.quota == 1 << 30)
    #expect(try host.bench.events().count == 1)
  }

  @Test func `every command that changes users, plans or grants asks the centre`() throws {
    let host = try SharingHost()
    let file = try host.bench.folder.write("name,quota_bytes\ndave,1000\n", to: "users.csv")
    for command in [
      ["add", "bob"], ["disable", "alice"], ["reset", "alice"],
      ["grant", "alice", "1GiB"], ["rename", "alice", "carol"], ["remove", "alice", "--yes"],
      ["plan", "add", "basic", "--quota", "1G"], ["import", file],
    ] {
      try? FileManager.default.removeItem(atPath: host.bench.folder.path + "/told")
      if command[0] == "reset" {
        try host.change("UPDATE user_quotas SET bytes_sent = 5, bytes_used = 5")
      }
      let outcome = try Program.run(
        host.bench.folder.path + "/quota-admin", command, environment: host.bench.settings)
      #expect(outcome.status == 0, "\(command): \(outcome.errors)")
      #expect(host.told.first == "run --change" && host.told.count == 2, "\(command)")
    }
    #expect(try host.bench.probe.users.map(\.name) == ["alice"])
  }

  @Test func `a change that changes nothing asks nobody`() throws {
    let host = try SharingHost()
    #expect(try host.admin("enable", "alice").isFine)
    #expect(host.told.isEmpty)
  }

  @Test func `users who are new to the centre are told to it first`() throws {
    let host = try SharingHost()
    try host.change("INSERT INTO users (username, status) VALUES ('eve', 'active')")
    #expect(try host.admin("disable", "alice").isFine)
    #expect(host.told.filter { $0.hasPrefix("run") } == ["run ", "run --change"])
  }

  @Test(
    arguments: [
      (65, "", "nothing was changed in the centre"), (69, "", "nothing was changed in the centre"),
      (74, "", "nothing was changed in the centre"), (75, "", "nothing was changed in the centre"),
      (77, "", "nothing was changed in the centre"),
      (73, "changed\n", "it is changed in the centre of the hosts, and not on this host yet"),
      (74, "unknown\n", "whether it was changed is not known"),
      (137, "", "whether it was changed is not known"),
      (137, "changed\n", "it is changed in the centre"),
    ] as [(Int32, String, String)])
  func `what became of a change is told as it is`(
    status: Int32, word: String, text: String
  ) throws {
    let host = try SharingHost()
    try host.answer(status, word)
    let outcome = try host.admin("disable", "alice")
    #expect(outcome.status == (status > 128 ? 74 : status))
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("quota-admin: error: \(text)"), "\(outcome.errors)")
    #expect(try host.bench.probe.user("alice")?.status == "active")
  }

  @Test func `nothing is changed without the program that reaches the centre`() throws {
    let host = try SharingHost()
    try FileManager.default.removeItem(atPath: host.bench.folder.path + "/quota-sync")
    let outcome = try host.admin("disable", "alice")
    #expect(outcome.status == 69)
    #expect(outcome.errors.contains("hint: this host shares its users with others"))
  }

  @Test func `quota-sync reads the settings that were named`() throws {
    let host = try SharingHost()
    let config = try host.bench.folder.write("UNITS=binary\n", to: "other.conf")
    try host.admin("disable", "alice", "--config", config)
    #expect(host.told.first == "run --change --config \(config)")
  }

  @Test func `history cannot be purged, for other hosts have theirs`() throws {
    let host = try SharingHost()
    let outcome = try host.admin("remove", "alice", "--purge", "--yes")
    #expect(outcome.status == 65)
    #expect(host.told.isEmpty)
  }

  @Test func `check says whether the others were heard, and what can be too much`() throws {
    let host = try SharingHost()
    host.bench.settings["OPENVPN_CONFIGS"] = host.bench.folder.path + "/none/*.conf"
    func report() throws -> String { try host.admin("check").output }
    #expect(try report().contains("this host shares its users as berlin, and SYNC is empty"))
    host.bench.settings["SYNC"] = "host=db"
    let unheard = try report()
    #expect(unheard.contains("berlin has never heard of the others"))
    #expect(unheard.contains("one user can use 2147483648 bytes too much at most"))
    let now = Int64(Date().timeIntervalSince1970)
    try host.change("INSERT INTO meta VALUES ('sync.heard', '\(now)')")
    #expect(try report().contains("berlin heard of 2 other hosts "))
    try host.change("UPDATE meta SET value = '\(now - 90)' WHERE name = 'sync.heard'")
    #expect(try report().contains("-> quota-sync --verbose"))
  }

  @Test func `check says that nothing runs quota-sync, where systemd should`() throws {
    let host = try SharingHost()
    var settings = Settings()
    settings.database = host.bench.path
    settings.sync = "host=db"
    func timer(_ isActive: Bool) -> [CheckResult] {
      HostsCheck(settings: settings, now: 0, isSystemdRunning: true, isActive: { _ in isActive })
        .results().filter { $0.text.contains("timer") }
    }
    #expect(timer(true).isEmpty)
    #expect(timer(false).map(\.level) == [.error])
    #expect(timer(false).first?.text == "quota-sync.timer is not running")
  }

  @Test func `check says that SYNC alone shares nothing, once there is a database`() throws {
    let bench = try Bench()
    bench.settings["OPENVPN_CONFIGS"] = bench.folder.path + "/none/*.conf"
    bench.settings["SYNC"] = "host=db"
    let text = "SYNC is set, and this host shares its users with no other"
    #expect(try !bench.admin("check").output.contains(text))
    try bench.admin("add", "alice")
    #expect(try bench.admin("check").output.contains(text))
  }

  @Test func `show has what was used elsewhere, and what can be too much`() throws {
    let host = try SharingHost()
    try host.change(
      """
      INSERT INTO elsewhere SELECT user_id, period_start, 0, 1 << 29, 2, 1 FROM user_quotas;
      """)
    let shown = try host.admin("show", "alice").output
    #expect(shown.contains("  used      512 MiB, 50% of the quota\n"))
    #expect(
      shown.contains("  elsewhere 512 MiB of that on other hosts, 2 sessions (heard never)\n"))
    #expect(
      shown.contains("  at worst  1 GiB too much, if the hosts hear nothing of each other\n"))
    let json = try host.admin("show", "alice", "--json").output
    #expect(json.contains(#""elsewhere_bytes":536870912,"elsewhere_sessions":2"#))
  }
}
