import Ledger
import SQLite

/// What the ledger says, against what is true.
struct Checks: ~Copyable {
  private let world: World
  private let database: Connection

  init(_ world: World) throws {
    self.world = world
    database = try Connection(world.programs.database, busyTimeout: 5000)
  }

  /// - Parameter afterAllLeft: whether no session may be open any more.
  func run(afterAllLeft: Bool = false) throws {
    if afterAllLeft {
      let open = try database.integer("SELECT count(*) FROM sessions WHERE closed_at IS NULL")
      if open > 0 { world.fail("\(open) sessions are open after all have left") }
      let left = try Spool(besideDatabase: world.programs.database).readAll().reports.count
      if left > 0 { world.fail("\(left) final reports are in the spool after two sweeps") }
    }
    for name in world.everybody {
      try compareTotals(of: name)
      try compareDays(of: name)
    }
    try compareEverybody()
    try compareLogs()
    try compareMirror()
    if let damage = try damage() { world.fail("the database is damaged: \(damage)") }
  }

  /// The total of each direction, by every table that has it.
  private func compareTotals(of name: String) throws {
    let (least, most) = world.total(of: name)
    for table in ["sessions", "period_usage", "daily_usage", "hourly_usage"] {
      let sum = try sum(table, of: name)
      guard isBetween(least, sum, most) else {
        world.fail("\(name) has \(sum) in \(table), and moved \(words(least, most))")
        continue
      }
    }
  }

  private func compareDays(of name: String) throws {
    let days = world.days(of: name)
    var rows = try database.prepare(
      """
      SELECT CAST(julianday(day) - 2440587.5 AS INTEGER), bytes_received, bytes_sent
      FROM daily_usage WHERE user_id = (SELECT id FROM users WHERE username = '\(name)')
      """)
    var found: [Int64: Moved] = [:]
    while try rows.step() {
      found[rows.integer(0)] = Moved(received: rows.integer(1), sent: rows.integer(2))
    }
    for day in Set(days.keys).union(found.keys) {
      let (least, most) = days[day] ?? (Moved(), Moved())
      let sum = found[day] ?? Moved()
      if !isBetween(least, sum, most) {
        world.fail("\(name) has \(sum) on day \(day), and moved \(words(least, most))")
      }
    }
    if world.terms.user(name).isDaily { try comparePeriods(of: name, found) }
  }

  /// Where usage starts over each day, periods are days.
  private func comparePeriods(of name: String, _ days: [Int64: Moved]) throws {
    var rows = try database.prepare(
      """
      SELECT period_start, bytes_received, bytes_sent FROM period_usage
      WHERE user_id = (SELECT id FROM users WHERE username = '\(name)')
      """)
    while try rows.step() {
      let sum = Moved(received: rows.integer(1), sent: rows.integer(2))
      let day = world.terms.day(rows.integer(0))
      if sum != days[day] ?? Moved() {
        world.fail("\(name) has \(sum) in the period of day \(day), and \(days[day] ?? Moved())")
      }
    }
  }

  /// Whoever it was: no byte twice, and none lost but what a crash may cost.
  private func compareEverybody() throws {
    var (least, most) = (Moved(), Moved())
    for session in world.sessions where !session.isNoSession {
      guard session.payers.contains(where: world.terms.isMetered) else { continue }
      most += session.moved
      let isMetered = session.payers.allSatisfy(world.terms.isMetered)
      if isMetered, !session.isConfused {
        least = session.parts.reduce(least) { $1.isSure ? $0 + $1.bytes : $0 }
      }
    }
    let sum = try sum("sessions", of: nil)
    if !isBetween(least, sum, most) {
      world.fail("all have \(sum), and moved \(words(least, most))")
    }
  }

  /// Each ended session has one row, with what it moved.
  private func compareLogs() throws {
    let wrong = try database.integer(
      """
      SELECT count(*) FROM sessions LEFT JOIN traffic_logs ON id = log_id
      WHERE log_id IS NOT NULL AND (id IS NULL
        OR traffic_logs.bytes_received <> sessions.bytes_received
        OR traffic_logs.bytes_sent <> sessions.bytes_sent)
        AND (closed_at IS NOT NULL)
      """)
    if wrong > 0 { world.fail("\(wrong) rows of traffic_logs are not as their sessions are") }
    let spare = try database.integer(
      "SELECT count(*) FROM traffic_logs WHERE id NOT IN (SELECT coalesce(log_id, 0) FROM sessions)"
    )
    if spare > 0 { world.fail("\(spare) rows of traffic_logs are of no session") }
  }

  /// `bytes_used` is what the present period counts.
  private func compareMirror() throws {
    let column = ["bytes_received + bytes_sent", "bytes_sent", "bytes_received"][
      [.total, .sent, .received].firstIndex(of: world.terms.rules.count) ?? 0]
    let wrong = try database.integer(
      """
      SELECT count(*) FROM user_quotas LEFT JOIN period_usage
        ON period_usage.user_id = user_quotas.user_id
          AND period_usage.period_start = user_quotas.period_start
      WHERE bytes_used <> coalesce(\(column), 0)
      """)
    if wrong > 0 { world.fail("bytes_used of \(wrong) users is not what their periods have") }
  }

  private func damage() throws -> String? {
    var check = try database.prepare("PRAGMA quick_check(1)")
    guard try check.step() else { return nil }
    let verdict = check.text(0)
    return verdict == "ok" ? nil : verdict
  }

  private func sum(_ table: String, of name: String?) throws -> Moved {
    let condition = name.map {
      "WHERE user_id = (SELECT id FROM users WHERE username = '\($0)')"
    }
    var row = try database.prepare(
      "SELECT sum(bytes_received), sum(bytes_sent) FROM \(table) \(condition ?? "")")
    _ = try row.step()
    return Moved(received: row.integer(0), sent: row.integer(1))
  }

  private func isBetween(_ least: Moved, _ sum: Moved, _ most: Moved) -> Bool {
    (least.received...most.received).contains(sum.received)
      && (least.sent...most.sent).contains(sum.sent)
  }

  private func words(_ least: Moved, _ most: Moved) -> String {
    least == most ? "\(most)" : "\(least) at least and \(most) at most"
  }
}
