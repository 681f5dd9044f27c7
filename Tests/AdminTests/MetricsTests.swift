import Foundation
import TestSupport
import Testing

@Suite struct `Metrics` {
  private static let promtool = FileManager.default.isExecutableFile(atPath: "/usr/bin/promtool")

  /// A ledger with names that are hard to write, and users in every state.
  private func bench() throws -> Bench {
    let bench = try Bench()
    try bench.populate()
    try bench.admin("add", "carol", "--quota", "1MB")
    try bench.admin("disable", "carol")
    _ = try bench.shell(
      #"quota-admin add "$(printf 'b\377')"; quota-admin add "$(printf 'b\376')""#)
    for name in ["a\"b", "a\\b", "a\\nb", "علی", "b\u{FFFD}", "{x=\"y\"} 1", "\u{202E}x"] {
      try bench.admin("add", "--", name)
    }
    let now = Int64(Date().timeIntervalSince1970)
    for event in [
      LedgerProbe.Event(
        at: now - 90_000, user: "alice", kind: "refused", detail: "quota", count: 7,
        lastAt: now - 10),
      LedgerProbe.Event(
        at: now - 90_000, user: "bob", kind: "refused", detail: "quota", count: 100),
      LedgerProbe.Event(at: now - 50, user: "alice", kind: "killed", detail: "quota"),
      LedgerProbe.Event(at: now - 40, user: "bob", kind: "killed", detail: "disabled"),
    ] { try bench.probe.add(event) }
    try bench.probe.addUserWithoutQuota("two\nlines")
    return bench
  }

  @Test(.enabled(if: promtool, "promtool is not installed"), arguments: [[], ["--totals"]])
  func `are what promtool wants`(options: [String]) throws {
    let bench = try bench()
    let text = try bench.run(["metrics"] + options).output
    let checked = try Program.run("/usr/bin/promtool", ["check", "metrics"], input: text)
    #expect(checked.status == 0 && checked.output.isEmpty && checked.errors.isEmpty)
    #expect(text.contains("user=\"alice\"") == options.isEmpty)
    let twice = try Program.run(
      "/usr/bin/promtool", ["check", "metrics"], input: text + text)
    #expect(twice.status != 0)
  }

  @Test func `tell how users, sessions and refusals stand`() throws {
    let lines = try bench().run(["metrics"]).output.split(separator: "\n").map(String.init)
    for line in [
      #"users{state="active"} 12"#, #"users{state="disabled"} 1"#, #"users{state="quota"} 0"#,
      #"sessions{server=""} 1"#, #"sessions{server="home"} 1"#,
      #"recent_refusals{reason="quota"} 7"#, #"recent_disconnections{reason="quota"} 1"#,
      #"recent_disconnections{reason="disabled"} 1"#, #"recent_refusals{reason="unknown"} 0"#,
      #"user_quota_bytes{user="alice"} 10737418240"#, #"user_used_bytes{user="alice"} 2147483648"#,
      #"user_received_bytes_total{user="alice"} 536870912"#,
      #"user_sent_bytes_total{user="alice"} 1610612736"#, #"user_sessions{user="alice"} 2"#,
      #"user_admitted{user="alice"} 1"#, #"user_admitted{user="carol"} 0"#,
      #"user_used_bytes{user="a\"b"} 0"#, #"user_used_bytes{user="a\\b"} 0"#,
      #"user_used_bytes{user="a\\nb"} 0"#, #"user_used_bytes{user="two\nlines"} 0"#,
      #"user_used_bytes{user="b\#u{FFFD}",user_hex="62ff"} 0"#,
      #"user_used_bytes{user="b\#u{FFFD}",user_hex="62fe"} 0"#,
      #"user_used_bytes{user="b\#u{FFFD}"} 0"#,
    ] {
      #expect(lines.contains("openvpn_quota_" + line), "\(line)")
    }
    #expect(!lines.contains { $0.contains("user_quota_bytes{user=\"bob\"") })
  }

  @Test func `are those of the manual and no others`() throws {
    let bench = try bench()
    let written = try bench.run(["metrics"]).output
      .matches(of: #/# TYPE openvpn_quota_([a-z_]+) /#).map { String($0.output.1) }
    let page = try `The manual`.page()
    let section = try #require(page.components(separatedBy: "\n.Sh METRICS\n").last)
      .components(separatedBy: "\n.Sh ")[0]
    let documented = section.split(separator: "\n").filter { $0.hasPrefix(".It Li ") }
      .flatMap { $0.dropFirst(7).split(separator: " , ").map(String.init) }
    // What is missing before the first sweep, and where no other host shares users.
    let others = [
      "last_sweep_timestamp_seconds", "user_elsewhere_bytes", "hosts",
      "sync_last_success_timestamp_seconds", "sync_news_age_seconds", "sync_waiting_rows",
      "sync_failed_runs_total", "sync_retries_total", "host_last_told_timestamp_seconds",
    ]
    #expect(Set(written + others) == Set(documented))
    #expect(documented.count == Set(documented).count)
  }

  @Test func `know when the last sweep was`() throws {
    let bench = try bench()
    #expect(try !bench.run(["metrics"]).output.contains("last_sweep"))
    bench.settings["MANAGEMENT"] = "unix:\(bench.folder.path)/none.sock"
    _ = try Program.run(Program.path("quota-sweep"), environment: bench.settings)
    let text = try bench.run(["metrics"]).output
    let time = try #require(text.firstMatch(of: /\nopenvpn_quota_last_sweep_\w+ (\d+)\n/))
    #expect(abs(Date().timeIntervalSince1970 - (Double(time.output.1) ?? 0)) < 60)
  }

  @Test func `replace their file in one go`() throws {
    let bench = try bench()
    let file = bench.folder.path + "/vpn.prom"
    let outcome = try bench.run(["metrics", "--output", file])
    #expect(outcome.isFine && outcome.output.isEmpty)
    let node = try FileManager.default.attributesOfItem(atPath: file)[.systemFileNumber] as? Int
    #expect(try bench.run(["metrics", "--output", file]).isFine)
    let attributes = try FileManager.default.attributesOfItem(atPath: file)
    #expect(attributes[.systemFileNumber] as? Int != node)
    #expect(attributes[.posixPermissions] as? Int == 0o644)
    #expect(try String(contentsOfFile: file, encoding: .utf8).hasSuffix("\n"))
    let files = try FileManager.default.contentsOfDirectory(atPath: bench.folder.path)
    #expect(!files.contains { $0.hasPrefix(".") })
  }
}
