import Quota
import SQLite
import System
import TestSupport
import Testing

@testable import Ledger
@testable import Sync

@Suite(.enabled(if: PostgresCluster.isInstalled)) struct DaysTests {
  private let always = Day.beforeEveryLedger...Day(number: .max)
  private var today: Day { Day(of: Clock.now, in: .utc) }

  /// What the centre has of days, a line each, without the uids.
  private func days(_ hosts: TestHosts, by parts: Set<UsageQuestion.Part> = [.user, .day, .host])
    throws -> [String]
  {
    try hosts.centre().answers(to: [.days(always, by: parts)]).map { row in
      [
        row.host, row.owner.map { "\($0.name)" }, row.day.map { "\($0.number - today.number)" },
        "\(row.traffic.received)/\(row.traffic.sent)",
      ].compactMap(\.self).joined(separator: " ")
    }.sorted()
  }

  /// Puts the usage of a host's users some days back, as if it had been counted then.
  private func age(_ host: TestHost, by days: Int64) throws {
    try host.ledger().database.run(
      "UPDATE usage SET start = start - ?1 * 86400 WHERE start > ?2", days, Clock.now - 86_400)
  }

  @Test func `What was moved on days is told with the usage, by each host its own`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 100, 5)
    try hosts[1].use("alice", 20, 3)
    try hosts[1].use("bob", 7)
    try hosts.settle()
    #expect(try days(hosts) == ["a alice 0 100/5", "b alice 0 20/3", "b bob 0 7/0"])
    try hosts[0].use("alice", 1)
    try hosts.settle()
    #expect(try days(hosts) == ["a alice 0 101/5", "b alice 0 20/3", "b bob 0 7/0"])
    #expect(try days(hosts, by: [.user]) == ["alice 121/8", "bob 7/0"])
    #expect(try days(hosts, by: [.day]) == ["0 128/8"])
    #expect(try days(hosts, by: [.host]) == ["a 101/5", "b 27/3"])
    #expect(try days(hosts, by: []) == ["128/8"])
    let uid = try #require(
      try hosts.centre().facts(above: 0, upTo: .max) { _ in }.first { $0.content["name"] == "bob" }
    ).key
    let bob = try hosts.centre().answers(to: [
      .days(today...today, users: [uid], by: [.host]),
      .days((today + 1)...(today + 1), by: []),
      .days(always, users: [], by: [.user]),
    ])
    #expect(bob.map(\.question) == [0] && bob[0].host == "b" && bob[0].traffic.received == 7)
  }

  @Test func `A day that makes no sense is named, and keeps no other from being told`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 100)
    try hosts[0].use("bob", 7)
    try hosts[0].ledger().database.run(
      "UPDATE usage SET bytes_sent = -1 WHERE bytes_received = 100")
    try hosts.settle()
    #expect(try days(hosts) == ["a bob 0 7/0"])
    #expect(hosts[0].warnings.filter { $0.contains("makes no sense") }.count == 1)
  }

  @Test func `A host's history comes with it when it joins, and is not told again`() throws {
    let hosts = try TestHosts("a", "b", joining: false)
    for ago in [500, 3, 2] as [Int64] {
      try hosts[1].use("alice", ago)
      try age(hosts[1], by: ago)
    }
    for host in hosts.hosts { try host.join() }
    let told = ["b alice -2 2/0", "b alice -3 3/0"]
    #expect(try days(hosts) == told)
    // Told rows would come back.
    try hosts.database.execute("DELETE FROM quota_days WHERE host = 'b'")
    try hosts.settle()
    #expect(try days(hosts).isEmpty)
    try hosts[1].sync().leave(alone: false)
    try hosts[1].join()
    try hosts.settle()
    #expect(try days(hosts) == told)
  }

  @Test func `Days that are past go from the centre too, and other hosts keep theirs`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 100)
    try hosts[1].use("alice", 7)
    try hosts.settle()
    try hosts.database.execute(
      """
      UPDATE quota_days SET day = day - 401;
      INSERT INTO quota_days SELECT user_id, day + 2, host, 1, 1 FROM quota_days;
      INSERT INTO quota_days SELECT user_id, -719162, host, 2, 2 FROM quota_days WHERE received > 1
      """)
    // As if the day had turned.
    try hosts[0].ledger().hosts.note(["day": "\((today + -1).number)"])
    try hosts[0].run()
    let first = Day.beforeEveryLedger.number - today.number
    #expect(
      try days(hosts) == [
        "a alice -399 1/1", "a alice \(first) 2/2", "b alice -399 1/1", "b alice -401 7/0",
        "b alice \(first) 2/2",
      ])
    #expect(try hosts[0].ledger().hosts.toldDay() == today)
  }

  @Test func `A role of a host writes and forgets no days but its own`() throws {
    let hosts = try TestHosts("a", "b", joining: false)
    let database = hosts.database
    let role = "a_\(database.name)"
    try database.execute("CREATE ROLE \(role) LOGIN")
    defer { try? database.execute("DROP OWNED BY \(role); DROP ROLE \(role)") }
    _ = try hosts.centre().create(CommonRules(zone: "", names: ""), for: [role])
    hosts[0].settings.sync = database.cluster.settings(of: database.name, as: role)
    for host in hosts.hosts {
      try host.join()
      try host.use("alice", 10)
    }
    try hosts.settle()
    let connection = try database.connect(as: role)
    for statement in ["UPDATE quota_days SET received = 0", "DELETE FROM quota_days"] {
      #expect(try connection.run("\(statement) WHERE host = 'b'").changed == 0)
      #expect(try connection.run("\(statement) WHERE host = 'a'").changed == 1)
    }
    #expect(throws: PostgresError.self) {
      try connection.execute("INSERT INTO quota_days VALUES ('x', 0, 'b', 1, 1)")
    }
  }

  @Test func `A host that was restored has its days again`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 10)
    try hosts.settle()
    let backup = try hosts[0].copyFiles()
    try hosts[0].use("alice", 90)
    try hosts.settle()
    hosts[0].move(to: backup)
    try hosts.database.execute("UPDATE quota_hosts SET heard_at = heard_at - 1000")
    #expect(try hosts[0].run().wasRestored)
    try hosts.settle()
    #expect(try days(hosts) == ["a alice 0 100/0"])
    let own = try hosts[0].ledger().usage.sums(in: always).byDay.values.map(\.total)
    #expect(own == [100])
    try hosts[0].use("alice", 5)
    try hosts.settle()
    #expect(try days(hosts) == ["a alice 0 105/0"])
  }

  @Test func `Tables of schema 1 get days by quota-sync --init, and hosts tell them once`() throws {
    let hosts = try TestHosts("a")
    try hosts[0].use("alice", 10)
    try hosts[0].run()
    try hosts.database.execute(
      """
      DROP TABLE quota_days; UPDATE quota_centre SET schema_number = 1;
      ALTER TABLE quota_centre DROP COLUMN identity, DROP COLUMN epoch
      """)
    try hosts[0].ledger().database.execute(
      """
      DELETE FROM meta WHERE name IN ('sync.day', 'sync.history', 'sync.centre', 'sync.epoch')
      """)
    let error = #expect(throws: SyncError.self) { try hosts[0].run() }
    #expect(error == .schema(found: 1, expected: 2))
    #expect(error?.hint?.hasPrefix("quota-sync --init") == true)
    let rules = CommonRules(zone: "Etc/UTC", names: "exact")
    #expect(try hosts.centre().create(rules, for: []))
    #expect(try !hosts.centre().create(rules, for: []))
    #expect(try hosts.centre().rules() == rules)
    try hosts.settle()
    #expect(try days(hosts) == ["a alice 0 10/0"])
  }

  @Test func `A sum beyond 64 bits is as much as fits`() throws {
    let hosts = try TestHosts("a")
    try hosts.database.execute(
      "INSERT INTO quota_days VALUES ('x', 1, 'a', 4611686018427387904, 3), ('x', 2, 'a', 9000000000000000000, 4)"
    )
    #expect(try days(hosts, by: [.user]) == ["\(Int64.max)/7"])
  }

  @Test func `A run with no news reads no days`() throws {
    let hosts = try TestHosts("a")
    try hosts[0].use("alice", 10)
    try hosts.settle()
    let ledger = try hosts[0].ledger()
    try ledger.database.execute("ALTER TABLE usage RENAME TO hidden")
    #expect(try hosts[0].run() == HostSync.Outcome())
    try ledger.database.execute("ALTER TABLE hidden RENAME TO usage")
    try hosts[0].use("alice", 5)
    #expect(try hosts[0].run().told == 1)
    #expect(try days(hosts) == ["a alice 0 15/0"])
  }

  @Test func `Runs that fail are counted, and what is not told meanwhile`() throws {
    let hosts = try TestHosts("a")
    try hosts[0].run()
    let before = try #require(try hosts[0].ledger().hosts.state())
    #expect(before.failures == 0 && before.retries == 0 && before.waiting == 0)
    try hosts[0].use("alice", 10)
    hosts[0].settings.sync = "host=/nowhere"
    for _ in 0..<2 { #expect(throws: PostgresError.self) { try hosts[0].run() } }
    hosts[0].settings.sync = hosts.database.settings
    #expect(try hosts[0].ledger().hosts.state()?.failures == 2)
    try hosts[0].run()
    try hosts[0].use("alice", 1)
    let after = try #require(try hosts[0].ledger().hosts.state())
    #expect(after.failures == 2 && after.waiting == 1 && after.hosts == 1)
    #expect(try #require(after.heardAt) >= before.heardAt ?? .max)
  }

  @Test func `A transaction that runs anew is counted`() throws {
    let database = try TestDatabase()
    let connection = try database.connect()
    var tries = 0
    try connection.transaction { connection in
      tries += 1
      if tries < 3 { throw PostgresError(.refused, state: "40001", "met") }
    }
    #expect(tries == 3 && connection.retries.count == 2)
  }

  @Test func `The centre answers what each user has on each host, and when hosts were heard`()
    throws
  {
    let hosts = try TestHosts("a", "b")
    try hosts[0].change { _ = try $0.users.add("alice", Terms(quota: 1000), at: Clock.now) }
    try hosts[1].run()
    try hosts[0].use("alice", 100, 5)
    try hosts[1].connect("alice")
    try hosts.settle()
    _ = try hosts.centre().remove("a")
    let answers = try hosts.centre().answers(to: [.hosts, .periods])
    #expect(answers.filter { $0.question == 0 }.map(\.host) == ["a", "b"])
    #expect(answers[0].age == nil && answers[1].age != nil)
    let rows = answers.filter { $0.question == 1 }.sorted { $0.host ?? "" < $1.host ?? "" }
    #expect(rows.map(\.traffic.total) == [105, 0])
    #expect(rows.map(\.period?.sessions) == [0, 1])
    // As they come over a pipe.
    for answer in answers {
      let read = try #require(UsageAnswer(line: Array(answer.line.dropLast())))
      #expect(read.line == answer.line)
    }
  }
}
