import SQLite
import TestSupport

/// A database of a test's own, and `quota-admin` run on it.
final class Bench {
  let folder: TemporaryDirectory
  var settings: [String: String]

  init() throws {
    folder = try TemporaryDirectory()
    settings = [
      "QUOTA_CONFIG": "/dev/null", "DATABASE": folder.path + "/quota.db", "TIME_ZONE": "UTC",
    ]
  }

  var path: String { folder.path + "/quota.db" }

  /// Runs the real program with a bare environment.
  @discardableResult
  func admin(_ arguments: String...) throws -> Outcome {
    try Program.run(Program.path("quota-admin"), arguments, environment: settings)
  }

  /// Runs a shell's commands, in which `quota-admin` is the real program. Bash, for a test's threads
  /// block signals, and `wait` in dash then waits for ever.
  func shell(_ script: String) throws -> Outcome {
    let path = ["PATH": "\(Program.directory):/usr/bin:/bin"]
    return try Program.run(
      "/bin/bash", ["-c", script], environment: settings.merging(path) { own, _ in own })
  }

  /// Writes into the database as a sweep would, or as damage does.
  func execute(_ sql: String) throws {
    try Connection(path, busyTimeout: 5000).execute(sql)
  }

  /// The first column of the first row.
  func number(_ sql: String) throws -> Int64 {
    try Connection(path, busyTimeout: 5000).integer(sql)
  }

  /// The events in the order they are kept, one a line.
  func events() throws -> [String] {
    let database = try Connection(path, busyTimeout: 5000)
    var statement = try database.prepare(
      "SELECT username, kind, detail FROM events ORDER BY at, username")
    var events: [String] = []
    while try statement.step() {
      events.append("\(statement.text(0)) \(statement.text(1)) \(statement.text(2))")
    }
    return events
  }

  /// Two users: alice has used 2 GiB of 10 and is on with two sessions, bob nothing of no quota.
  func populate() throws {
    try admin("add", "alice", "--quota", "10GiB")
    try admin("add", "bob")
    try execute(
      """
      INSERT INTO period_usage (user_id, period_start, bytes_received, bytes_sent)
        VALUES (1, 0, \(512 << 20), \(1536 << 20));
      UPDATE user_quotas SET bytes_used = \(2 << 30) WHERE user_id = 1;
      UPDATE users SET created_at = '2026-11-23 20:36:45';
      INSERT INTO sessions VALUES (1, 7, 1795466205, '10.8.0.2', 1, 'alice', 'home',
        '192.0.2.7:1194', 1024, 2048, NULL, NULL, NULL, 0, NULL);
      INSERT INTO sessions VALUES (1, 7, 1795466265, '10.8.0.3', 1, 'alice', NULL,
        NULL, 0, 0, NULL, NULL, NULL, 0, NULL);
      INSERT INTO sessions VALUES (1, 7, 1795466000, '10.8.0.4', 1, 'alice', 'home',
        '192.0.2.7:1194', 1024, 2048, 1795466100, 'hook', NULL, 0, NULL);
      """)
  }
}

extension Outcome {
  /// Whether it was done, without a word of complaint.
  var isFine: Bool { status == 0 && errors.isEmpty }
}
