/// The least that SQLite takes to bring a database from what it was to what it is: the same rows
/// upserted and nothing else, by the program `bench-floor`.
package struct Floor {
  private let before: TemporaryDirectory
  private let after: String
  private let rows: String

  /// Finds out which rows those are.
  ///
  /// - Parameters:
  ///   - before: a folder with the database as it was, `SpeedBench.copy`.
  ///   - after: the path of the database.
  package init(from before: TemporaryDirectory, to after: String) throws {
    let outcome = try Program.run(
      Program.path("bench-floor"), ["rows", before.path + "/quota.db", after], environment: [:])
    try outcome.requireSuccess()
    guard !outcome.output.isEmpty else { throw Gauge.Missing(description: "no row changed") }
    rows = try before.write(outcome.output, to: "rows")
    self.before = before
    self.after = after
  }

  /// The command line that upserts the rows into a copy.
  package func command(on copy: TemporaryDirectory) -> [String] {
    [Program.path("bench-floor"), "write", copy.path + "/quota.db", rows]
  }

  /// Another folder with the database as it was.
  package func copy() throws -> TemporaryDirectory {
    try TemporaryDirectory(copyOf: before.path + "/quota.db")
  }

  /// Counts the instructions that the rows take, which have to come to the same.
  package func instructions() throws -> Int {
    let copy = try copy()
    let figure = try Gauge.instructions().figure(of: command(on: copy))
    let comparison = try Program.run(
      Program.path("bench-floor"), ["compare", copy.path + "/quota.db", after], environment: [:])
    try comparison.requireSuccess()
    return figure
  }
}
