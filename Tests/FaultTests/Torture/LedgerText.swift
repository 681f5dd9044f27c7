import Foundation
import SQLite
import TestSupport

extension TorturedHost {
  /// All that the host knows, in lines, but for times and process ids: what two runs have to agree
  /// in that did the same.
  func text() throws -> [String] {
    let database = try Connection(database, busyTimeout: 5000)
    var lines: [String] = []
    for query in TorturedHost.queries {
      var statement = try database.prepare(query)
      while try statement.step() { lines.append(statement.text(0)) }
    }
    return try lines.sorted() + names() + logLines()
  }

  /// What each user used, in bytes.
  func used() throws -> [String: Int64] {
    let database = try Connection(database, busyTimeout: 5000)
    var statement = try database.prepare(
      "SELECT username, bytes_used FROM users JOIN user_quotas ON user_id = users.id")
    var used: [String: Int64] = [:]
    while try statement.step() { used[statement.text(0)] = statement.integer(1) }
    return used
  }

  private static let queries =
    [
      "SELECT 'user ' || username || ' ' || status FROM users",
      """
      SELECT 'quota ' || username || ' ' || quota_bytes || ' ' || bytes_used || ' '
        || coalesce(period, '-') || ' ' || noticed || ' ' || own
      FROM user_quotas JOIN users ON users.id = user_id
      """,
      """
      SELECT 'session ' || username || ' ' || address || ' ' || coalesce(server, '-') || ' '
        || bytes_received || ' ' || bytes_sent || ' ' || coalesce(closed_by, 'open') || ' ' || kills
      FROM sessions JOIN users ON users.id = user_id
      """,
      """
      SELECT 'log ' || username || ' ' || bytes_received || ' ' || bytes_sent
      FROM traffic_logs JOIN users ON users.id = user_id
      """,
      """
      SELECT 'event ' || username || ' ' || kind || ' ' || detail || ' ' || sum(count)
      FROM events GROUP BY username, kind, detail
      """,
      "SELECT 'notice ' || user_id || ' ' || kind || ' ' || detail FROM notices",
      "PRAGMA user_version",
    ]
    + ["period_usage", "daily_usage", "hourly_usage"].map { table in
      """
      SELECT '\(table) ' || username || ' ' || sum(bytes_received) || ' ' || sum(bytes_sent)
      FROM \(table) JOIN users ON users.id = user_id GROUP BY user_id
      """
    }

  /// The names of all files, with `N` for every number in them.
  private func names() throws -> [String] {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return Set(names.map { $0.replacing(/[0-9]+/, with: "N") }).sorted()
  }

  /// The lines of the log that were there from the beginning, in all its generations.
  private func logLines() throws -> [String] {
    guard FileManager.default.fileExists(atPath: folder + "/log") else { return [] }
    let all = try Program.run(
      "sh",
      ["-c", "cd '\(folder)' && cat log log.[0-9] 2>/dev/null; zcat log.*.gz 2>/dev/null || :"])
    return all.output.split(separator: "\n").filter { $0.hasPrefix("line ") }.map(String.init)
      .sorted()
  }
}
