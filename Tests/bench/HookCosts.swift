import Foundation
import TestSupport

/// What a hook costs beside a program that does nothing, one that does the least, and what an
/// operator would write instead.
struct HookCosts {
  private static let rounds = 200

  private let bench: SpeedBench
  /// Where the rivals keep what they write: the journal of the floor, and the others' database.
  private let copy: TemporaryDirectory
  private let floor: String
  private var rows: [[String]] = []

  static func measure(into report: BenchReport) throws {
    let (bench, server) = try SpeedBench.filled()
    try bench.admin(
      "plan", "add", "basic", "--quota", "50GB", "--period", "month", "--reset-day", "5",
      "--expires", "+300d", "--grace", "5%")
    try bench.admin("set", "user7", "--plan", "basic", "--follow", "quota")
    try bench.admin("grant", "user7", "10GB")
    try bench.admin("grant", "user7", "10GB", "--carry")
    var costs = try HookCosts(bench)
    try withExtendedLifetime(server) {
      try costs.compare("quota-connect", shell: lookup, into: report) { $0.connecting }
      try costs.compare("quota-disconnect", shell: closing, into: report) {
        $0.disconnecting(received: 2000, sent: 3000)
      }
    }
    report.add(
      BenchReport.Section(
        title: "One hook",
        text: """
          On a ledger of 1 000 users: one with plan, period and grants comes in, and leaves. Beside \
          it `/usr/bin/true`; the floor, a static program in C that opens the access table and the \
          journal, reads and appends (`Tests/bench/hook-floor.c`); and what an operator would write \
          instead, on a database: the shell, and Python (`Tests/bench/hook.py`). Times are medians \
          of \(rounds) runs, taken in turn, of programs copied afresh for each.
          """,
        columns: [
          "", "instructions", "system calls", "size kB", "resident MB", "wall ms", "× true",
          "× the floor",
        ],
        rows: costs.rows))
  }

  private init(_ bench: SpeedBench) throws {
    self.bench = bench
    copy = try bench.copy()
    try FileManager.default.copyItem(
      atPath: bench.state + "/journal", toPath: copy.path + "/journal")
    floor = copy.path + "/hook-floor"
    try Program.run(
      "musl-gcc", ["-O2", "-static", "-s", "-o", floor, "Tests/bench/hook-floor.c"]
    ).requireSuccess()
  }

  /// A program that does what a hook does, or less.
  private struct Rival {
    let name: String
    let program: String
    let arguments: [String]
  }

  private func rivals(_ statements: String) -> [Rival] {
    let database = copy.path + "/quota.db"
    return [
      Rival(name: "`/usr/bin/true`", program: "/usr/bin/true", arguments: []),
      Rival(
        name: "the floor", program: floor,
        arguments: [bench.state + "/access", copy.path + "/journal"]),
      Rival(
        name: "`sqlite3` shell", program: "/usr/bin/sqlite3", arguments: [database, statements]),
      Rival(
        name: "Python", program: "/usr/bin/python3",
        arguments: [FileManager.default.currentDirectoryPath + "/Tests/bench/hook.py", database]),
    ]
  }

  /// Measures a hook beside its rivals, in as many sessions as there are rounds.
  private mutating func compare(
    _ hook: String, shell statements: String, into report: BenchReport,
    _ environment: @escaping (HookSession) -> [String: String]
  ) throws {
    func variables(_ round: Int) -> [String: String] {
      environment(HookSession("user7", number: round))
    }
    let all =
      [
        Rival(
          name: hook, program: Program.path(hook),
          arguments: ["--config", bench.config, "--server", "s0"])
      ] + rivals(statements)
    let times = try FreshCopies.median(
      of: all.map { FreshCopies.Contender($0.program, $0.arguments, environment: variables) },
      rounds: Self.rounds
    ) { if $0.isMultiple(of: 5) { try bench.sweep() } }
    try bench.sweep()
    let measured = try all.map { try figures(of: $0, variables(Self.rounds)) }
    for (rival, (figures, time)) in zip(all, zip(measured, times)) {
      rows.append([
        rival.name, Figures.grouped(figures.instructions), "\(figures.calls)",
        Decimal.text(Double(figures.size) / 1000), Decimal.text(figures.residentMB),
        Decimal.text(time.wall), Decimal.text(time.wall / times[1].wall),
        Decimal.text(time.wall / times[2].wall),
      ])
    }
    let own = measured[0]
    report.count(hook, own.instructions)
    report.expect("\(hook), time", times[0].wall / times[1].wall, atMost: 0.5, " × true")
    report.expect("\(hook), time", times[0].wall / times[2].wall, atMost: 1.7, " × the floor")
    report.expect("\(hook), instructions", Double(own.instructions), atMost: 120_000)
    report.expect("\(hook), system calls", Double(own.calls), atMost: 40)
    report.expect("\(hook), size", Double(own.size) / 1000, atMost: 200, " kB")
    report.expect("\(hook), resident", own.residentMB, atMost: 0.6, " MB")
  }

  private func figures(
    of rival: Rival, _ environment: [String: String]
  ) throws -> (instructions: Int, calls: Int, size: Int64, residentMB: Double) {
    let command = [rival.program] + rival.arguments
    return (
      try Gauge.instructions().figure(of: command, environment: environment),
      try SystemCalls.count(of: command, environment: environment),
      try Program.size(rival.program),
      Double(try Gauge.residentBytes().figure(of: command, environment: environment)) / 1_000_000
    )
  }

  /// The connect hook in the shell: may this user come in?
  private static let lookup =
    """
    SELECT status = 'active' AND (quota_bytes = 0 OR bytes_used < quota_bytes)
    FROM users JOIN user_quotas ON user_id = users.id WHERE username = 'user7';
    """

  /// The disconnect hook in the shell.
  private static let closing =
    """
    BEGIN IMMEDIATE;
    INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp)
      SELECT id, 3000, 2000, datetime('now') FROM users WHERE username = 'user7';
    UPDATE user_quotas SET bytes_used = bytes_used + 5000
      WHERE user_id = (SELECT id FROM users WHERE username = 'user7');
    COMMIT;
    """
}
