import Foundation
import Quota
import SQLite
import TestSupport
import Testing

/// `quota-admin` on a host that shares its users, beside a `quota-sync` that gives prepared answers.
private struct AskingHost {
  let bench: Bench
  private var folder: String { bench.folder.path }

  init(_ answers: String..., status: Int32 = 0, errors: String = "") throws {
    bench = try Bench()
    bench.settings["TIME_ZONE"] = "UTC"
    for user in ["alice", "bob"] { try bench.admin("add", user, "--quota", "1GB") }
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder)/quota-admin", withDestinationPath: Program.path("quota-admin"))
    try bench.folder.write(
      """
      #!/bin/sh
      echo "$*" >"\(folder)/asked"
      cat >>"\(folder)/asked"
      cat "\(folder)/answers"
      cat "\(folder)/errors" >&2
      exit \(status)

      """, to: "quota-sync", mode: 0o755)
    try bench.folder.write(answers.map { "\($0)\n" }.joined(), to: "answers")
    try bench.folder.write(errors, to: "errors")
    try Connection(bench.path, busyTimeout: 20_000).execute(
      """
      INSERT INTO meta VALUES ('sync.host', 'berlin'), ('sync.id', '1'), ('sync.hosts', '3');
      UPDATE users SET uid = 'u-' || username WHERE username = 'alice';
      """)
  }

  func admin(_ arguments: String...) throws -> Outcome {
    try Program.run(folder + "/quota-admin", arguments, environment: bench.settings)
  }

  /// What `quota-sync` was asked, a line each.
  var asked: [String] {
    let bytes = FileManager.default.contents(atPath: "\(folder)/asked") ?? Data()
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}

@Suite struct `A report of all hosts` {
  /// 2026-11-01 and the day before.
  private let first = 20_758
  private let before = 20_757

  @Test func `has days, weeks and months of everybody together`() throws {
    let host = try AskingHost(
      #"{"question":0,"day":\#(before),"received":1048576,"sent":5242880}"#,
      #"{"question":0,"day":\#(first),"received":2097152,"sent":0}"#)
    let window = ["--since", "2026-10-31", "--until", "2026-11-01"]
    let text = try host.admin("usage", "--all-hosts", window[0], window[1], window[2], window[3])
    #expect(text.isFine)
    #expect(text.output.contains("2026-10-31     5 MiB   1 MiB  6 MiB  ####"), "\(text.output)")
    #expect(text.output.contains("2026-11-01       0 B   2 MiB  2 MiB  ####"), "\(text.output)")
    #expect(
      host.asked == [
        "--usage", #"{"of":"days","first":\#(before),"last":\#(first),"by":"day","users":null}"#,
      ])
    let months = try host.admin(
      "usage", "--all-hosts", "--by", "month", "--json", "--since", "2026-10-31", "--until",
      "2026-11-01")
    #expect(months.output.contains(#"{"by":"month","hosts":"all","usage":["#))
    #expect(months.output.contains(#""start":"2026-10-01","bytes_received":1048576"#))
    #expect(months.output.contains(#""start":"2026-11-01","bytes_received":2097152"#))
    // Whole months are asked for.
    #expect(host.asked[1].contains(#""first":\#(first - 31),"last":\#(first + 29),"#))
  }

  @Test func `has a line a host, and asks for that by itself`() throws {
    let host = try AskingHost(
      #"{"question":0,"user":"u-alice","host":"vpn2","received":7,"sent":0}"#,
      #"{"question":0,"user":"u-alice","host":"vpn1","received":5,"sent":1}"#)
    let csv = try host.admin("usage", "alice", "--by", "host", "--csv")
    #expect(
      csv.output.components(separatedBy: "\r\n") == [
        "name,name_hex,host,bytes_received,bytes_sent,bytes_counted", "alice,,vpn1,5,1,6",
        "alice,,vpn2,7,0,7", "",
      ])
    #expect(host.asked[1].hasSuffix(#""by":"host,user","users":"u-alice"}"#))
    let text = try host.admin("usage", "alice", "--by", "host").output
    #expect(text.split(separator: "\n").map { $0.prefix(4) } == ["HOST", "vpn1", "vpn2"])
  }

  @Test func `names the users whom this host has not heard of, and those who are gone`() throws {
    let host = try AskingHost(
      #"{"question":0,"day":\#(first),"received":0,"sent":60}"#,
      #"{"question":1,"user":"u-alice","name":"al","removed":false,"received":0,"sent":10}"#,
      #"{"question":1,"user":"u-1","name":"c\\x20d","removed":false,"received":0,"sent":20}"#,
      #"{"question":1,"user":"u-2","name":"eve","removed":true,"received":0,"sent":25}"#,
      #"{"question":1,"user":"u-3","received":0,"sent":5}"#)
    let top = try host.admin("top", "--all-hosts", "--json")
    #expect(top.output.hasPrefix(#"{"hosts":"all","top":["#))
    let names = top.output.matches(of: #/"name":("[^"]*"|null)/#).map { String($0.output.1) }
    #expect(names == [#""eve""#, #""c d""#, #""alice""#, "null"])
    let text = try host.admin("top", "--all-hosts").output
    #expect(text.contains("eve (removed)") && text.contains("41%"), "\(text)")
    let page = try host.admin("report", "--html", "-", "--all-hosts", "--since", "2026-11-01")
    #expect(page.isFine)
    #expect(page.output.contains("<h1>VPN traffic of <bdi>all hosts</bdi></h1>"))
    #expect(page.output.contains("60 B down") && page.output.contains("times on this host"))
  }

  @Test(arguments: [
    ["usage", "--all-hosts"], ["usage", "--by", "host"], ["top", "--all-hosts"],
    ["report", "--html", "-", "--all-hosts"],
  ])
  func `is none where the centre is away, whatever it has said until then`(command: [String])
    throws
  {
    let host = try AskingHost(
      #"{"question":0,"day":\#(first),"received":0,"sent":60}"#, status: 69,
      errors: "quota-sync: error: db does not answer in time\nquota-sync: hint: wait\n")
    let outcome = try Program.run(
      host.bench.folder.path + "/quota-admin", command, environment: host.bench.settings)
    #expect(outcome.status == 69 && outcome.output.isEmpty)
    #expect(
      outcome.errors == """
        quota-admin: error: the other hosts cannot be asked: db does not answer in time
        quota-admin: hint: wait

        """)
  }

  @Test func `is none of what makes no sense`() throws {
    let host = try AskingHost(#"{"question":0,"received":-1,"sent":60}"#)
    let outcome = try host.admin("usage", "--all-hosts")
    #expect(outcome.status == 69 && outcome.output.isEmpty)
  }

  @Test(arguments: ["hour", "session", "server"])
  func `has no hours and no sessions`(grouping: String) throws {
    let host = try AskingHost()
    let outcome = try host.admin("usage", "--all-hosts", "--by", grouping)
    #expect(outcome.status == 64 && host.asked.isEmpty)
    #expect(outcome.errors.contains("--all-hosts goes with --by day, week, month or host"))
  }

  @Test func `is refused where there are no other hosts, or none that knows the user`() throws {
    let bench = try Bench()
    let alone = try bench.run(["top", "--all-hosts"])
    #expect(alone.status == 78 && alone.errors.contains("shares its users with no other"))
    let host = try AskingHost()
    let unknown = try host.admin("usage", "bob", "--by", "host")
    #expect(unknown.status == 65 && unknown.errors.contains("no other host knows of bob yet"))
    #expect(
      try host.admin("usage", "nobody", "--all-hosts").errors.contains("there is no user nobody"))
  }
}

@Suite struct `Metrics of hosts that share their users` {
  private func expectSound(_ text: String) throws {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/promtool") else { return }
    let checked = try Program.run("/usr/bin/promtool", ["check", "metrics"], input: text)
    #expect(
      checked.status == 0 && checked.output.isEmpty && checked.errors.isEmpty,
      "\(checked.output)\(checked.errors)")
  }

  @Test func `tell how this host gets on with the centre, without asking it`() throws {
    let host = try AskingHost(status: 69)
    #expect(try !host.admin("metrics").output.contains("_sync_news_age_seconds "))
    let heard = Int64(Date().timeIntervalSince1970) - 100
    try Connection(host.bench.path, busyTimeout: 20_000).execute(
      """
      INSERT INTO meta VALUES ('sync.heard', '\(heard)'), ('sync.failures', '7'), ('sync.retries', '2');
      UPDATE user_quotas SET bytes_sent = 5; INSERT INTO late_days VALUES (1, 2)
      """)
    let text = try host.admin("metrics").output
    try expectSound(text)
    let lines = Set(text.split(separator: "\n").map(String.init))
    for line in [
      "hosts 3", "sync_last_success_timestamp_seconds \(heard)", "sync_waiting_rows 2",
      "sync_failed_runs_total 7", "sync_retries_total 2",
    ] { #expect(lines.contains("openvpn_quota_\(line)"), "\(line)") }
    let age = try #require(text.firstMatch(of: /_sync_news_age_seconds (\d+)\n/)?.output.1)
    #expect(try #require(Int64(age)) >= 100)
    #expect(host.asked.isEmpty)
  }

  @Test func `tell of every host and of each user's usage there`() throws {
    let host = try AskingHost(
      #"{"question":0,"host":"vpn1","age":3,"received":0,"sent":0}"#,
      #"{"question":0,"host":"vpn2","age":50,"received":0,"sent":0}"#,
      #"{"question":0,"host":"vpn3","received":0,"sent":0}"#,
      #"{"question":1,"user":"u-alice","host":"vpn2","period":0,"sessions":2,"received":7,"sent":8}"#,
      #"{"question":1,"user":"u-alice","host":"vpn1","period":0,"sessions":1,"received":5,"sent":6}"#,
      #"{"question":1,"user":"u-bob","host":"vpn1","period":5,"sessions":0,"received":1,"sent":1}"#,
      #"{"question":1,"user":"u-none","host":"vpn1","period":0,"sessions":4,"received":1,"sent":1}"#
    )
    try Connection(host.bench.path, busyTimeout: 20_000).execute(
      "UPDATE users SET uid = 'u-' || username; UPDATE user_quotas SET period_start = 0")
    let text = try host.admin("metrics", "--all-hosts").output
    try expectSound(text)
    #expect(host.asked == ["--usage", #"{"of":"hosts"}"#, #"{"of":"periods"}"#])
    let lines = Set(text.split(separator: "\n").map(String.init))
    for line in [
      #"sessions{host="vpn1"} 1"#, #"sessions{host="vpn2"} 2"#,
      #"user_received_bytes_total{user="alice",host="vpn1"} 5"#,
      #"user_sent_bytes_total{user="alice",host="vpn2"} 8"#,
      #"user_sessions{user="alice",host="vpn2"} 2"#, #"user_quota_bytes{user="bob"} 1000000000"#,
    ] { #expect(lines.contains("openvpn_quota_\(line)"), "\(line) in \(text)") }
    #expect(!text.contains("vpn3") && !text.contains(#"user="bob",host"#))
    #expect(!text.contains("openvpn_quota_database_bytes"))
    #expect(text.contains(#"host_last_told_timestamp_seconds{host="vpn1"} "#))
    let totals = try host.admin("metrics", "--all-hosts", "--totals").output
    #expect(!totals.contains("user=") && totals.contains(#"sessions{host="vpn2"} 2"#))
  }
}
