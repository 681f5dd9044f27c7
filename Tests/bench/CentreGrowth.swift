import Foundation
import System
import TestSupport

/// What a large centre costs, with a PostgreSQL on this machine. docs/hosts.md has these figures, and what
/// follows from them for a larger one.
enum CentreGrowth {
  private static let users = 100_000
  private static let hosts = 50
  private static let rounds = 5

  static func measure(into report: BenchReport) throws {
    let centre = try LargeCentre()
    let host = try SpeedBench()
    let names = (1...users).map { "user\($0),50000000000,month\n" }.joined()
    try host.admin("import", try host.write("name,quota_bytes,period\n" + names, to: "users.csv"))
    _ = try centre.run(host, "--init")
    var rows: [[String]] = []
    func add(_ what: String, _ costs: [LargeCentre.Cost]) {
      let program = costs.map(\.program).median
      let server = costs.map(\.server).sorted()[costs.count / 2]
      rows.append([what] + [program.wall, program.processor, server].map(Decimal.text))
    }
    add("joining with all users", [try centre.run(host, "--join", "--host", "host0")])
    try host.probe.raiseUsage(ofTenth: 0, by: 1000)
    _ = try centre.run(host)
    print("  filling")
    try centre.fill(hosts: hosts)
    add("hearing of all users on all hosts", [try centre.run(host)])
    add("a run with no news", try (0..<rounds).map { _ in try centre.run(host) })
    for part in [100, 10] {
      let costs = try (0..<rounds).map { round in
        try centre.use(one: part, at: round)
        return try centre.run(host)
      }
      add("one of \(part) users moved on another host", costs)
    }
    let own = try (0..<rounds).map { round in
      try host.probe.raiseUsage(ofTenth: round, by: 1000)
      return try centre.run(host)
    }
    add("one of 10 users moved on this host", own)
    report.add(
      BenchReport.Section(
        title: "A large centre",
        text: """
          \(Figures.grouped(users)) users, each with usage on all of \(hosts) hosts. A run of quota-sync, and \
          what all processes of PostgreSQL took in it. As a median of \(rounds) runs, but for the first two.
          """, columns: ["", "wall ms", "CPU ms", "CPU ms of PostgreSQL"], rows: rows))
    report.add(
      BenchReport.Section(
        title: "Its tables", text: "", columns: ["", "rows", "bytes a row", "and in indexes"],
        rows: try centre.sizes()))
  }
}

/// A PostgreSQL that is filled by itself.
private struct LargeCentre {
  struct Cost {
    let program: TimedProgram.Cost
    /// Milliseconds on the processor.
    let server: Double
  }

  private let cluster: PostgresCluster
  private let database = "large"

  init() throws {
    cluster = try PostgresCluster()
    try cluster.run("createdb", ["-h", cluster.socket, "-U", "owner", database])
  }

  func run(_ host: SpeedBench, _ words: String...) throws -> Cost {
    let before = try cluster.processor()
    let cost = try TimedProgram.run(
      [Program.path("quota-sync")] + words + ["--config", host.config],
      environment: ["SYNC": cluster.settings(of: database)])
    return Cost(program: cost, server: try cluster.processor() - before)
  }

  private func execute(_ sql: String) throws {
    try cluster.run(
      "psql",
      [
        "-q", "-v", "ON_ERROR_STOP=1", "-h", cluster.socket, "-U", "owner", "-d", database, "-c",
        sql,
      ])
  }

  /// Has each user of host0 have used something on each of so many hosts.
  func fill(hosts: Int) throws {
    try execute(
      """
      INSERT INTO quota_hosts
        SELECT (jsonb_populate_record(h, jsonb_build_object('host', 'host' || n, 'id', n, 'version', 1))).*
        FROM quota_hosts AS h, generate_series(1, \(hosts - 1)) AS n WHERE host = 'host0'
      """)
    try execute(
      """
      INSERT INTO quota_usage
        SELECT key, (SELECT max(period_start) FROM quota_usage), 'host' || n, 123456789, 987654321,
          (random() < 0.1)::int, 1
        FROM generate_series(1, \(hosts - 1)) AS n, quota_facts WHERE kind = 'user'
      """)
    try execute("VACUUM ANALYZE")
  }

  /// Has one of so many users have used more, on one other host each.
  func use(one part: Int, at place: Int) throws {
    try execute(
      """
      UPDATE quota_hosts SET version = version + 1 WHERE host <> 'host0';
      UPDATE quota_usage AS u SET received = received + 1, version = h.version
        FROM quota_hosts AS h, (SELECT key, row_number() OVER (ORDER BY key) AS n FROM quota_facts
          WHERE kind = 'user') AS f
        WHERE f.n % \(part) = \(place) AND u.user_id = f.key AND u.host = h.host
          AND h.host = 'host' || (1 + f.n / \(part) % 49)
      """)
    // As it would in the long run; not a part of what is measured.
    try execute("VACUUM")
  }

  func sizes() throws -> [[String]] {
    try ["quota_usage", "quota_facts"].map { table in
      let values = try ["count(*)", "pg_relation_size('\(table)')", "pg_indexes_size('\(table)')"]
        .map { try number("SELECT \($0) FROM \(table) LIMIT 1") }
      return [
        "`\(table)`", Figures.grouped(Int(values[0])), Decimal.text(values[1] / values[0]),
        Decimal.text(values[2] / values[0]),
      ]
    }
  }

  private func number(_ sql: String) throws -> Double {
    let said = try Program.run(
      "psql", ["-qtA", "-h", cluster.socket, "-U", "owner", "-d", database, "-c", sql])
    try said.requireSuccess()
    return Double(said.output.filter { !$0.isWhitespace }) ?? .nan
  }
}

extension PostgresCluster {
  /// Milliseconds that its processes were on the processor so far, those that are over included.
  fileprivate func processor() throws -> Double {
    let pid =
      try String(contentsOfFile: "\(socket)/data/postmaster.pid", encoding: .utf8)
      .split(separator: "\n").first ?? ""
    let children = try Program.run("pgrep", ["-P", "\(pid)"]).output.split(separator: "\n")
    // utime, stime, and of children that were waited for cutime and cstime, in hundredths of a second.
    return ([pid] + children).reduce(0) { sum, process in
      guard let line = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
        return sum
      }
      let fields = line.split(separator: ")").last?.split(separator: " ") ?? []
      return sum + fields.dropFirst(11).prefix(4).reduce(0) { $0 + 10 * (Double($1) ?? 0) }
    }
  }
}
