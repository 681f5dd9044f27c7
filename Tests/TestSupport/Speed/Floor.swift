import SQLite

/// What a sweep's cost is held against: the rows that version 2's sweep wrote, when so many sessions
/// had all changed, upserted into its tables and nothing else. The program `bench-floor` does it.
package struct Floor {
  private let folder: TemporaryDirectory
  private let rows: String
  private let sessions: Int

  /// Makes the database and the rows.
  package init(sessions: Int) throws {
    folder = try TemporaryDirectory()
    self.sessions = sessions
    let outcome = try Program.run(
      Program.path("bench-floor"), ["make", folder.path + "/quota.db", "\(sessions)"],
      environment: [:])
    try outcome.requireSuccess()
    rows = try folder.write(outcome.output, to: "rows")
  }

  /// Another folder with the database, under the name `quota.db`.
  package func copy() throws -> TemporaryDirectory {
    try TemporaryDirectory(copyOf: folder.path + "/quota.db")
  }

  /// The command line that upserts the rows into a copy.
  package func command(on copy: TemporaryDirectory) -> [String] {
    [Program.path("bench-floor"), "write", copy.path + "/quota.db", rows]
  }

  /// Counts the instructions that the rows take.
  package func instructions() throws -> Int {
    let copy = try copy()
    let figure = try Gauge.instructions().figure(of: command(on: copy))
    let database = try Connection(copy.path + "/quota.db", .reading, busyTimeout: 0)
    let received = try database.integer("SELECT sum(bytes_received) FROM sessions")
    guard received == Int64(sessions) * 1010 else {
      throw Gauge.Missing(description: "the rows came to \(received) bytes received")
    }
    return figure
  }
}
