import Quota
import SQLite
import System

extension Ledger {
  /// Opens a ledger that cannot be written (the disk is full or failing, the file system read-only,
  /// the database locked), to go on deciding by what it says. Every change is kept in memory and
  /// lost at the end.
  ///
  /// Each table is copied into one of the same name that is temporary, and so comes first wherever a
  /// statement names it. History stays behind: nothing is decided by it.
  ///
  /// - Throws: `LedgerError` if it cannot be read either, or is of another schema.
  package static func openUnwritable(
    _ path: String, rules: Rules, zone: Zone
  ) throws(LedgerError) -> Ledger {
    let path = try asLedgerError { () throws(SystemError) in try trustedPath(of: path) }
    let database: Connection
    do { database = try readingConnection(path) } catch { throw .database(error) }
    try Schema.check(database)
    do { try copyTables(of: database) } catch { throw .database(error) }
    return Ledger(database: database, rules: rules, zone: zone)
  }

  private static func readingConnection(_ path: String) throws(SQLiteError) -> Connection {
    let database = try Connection(path, .reading, busyTimeout: 1000, keepsStatements: true)
    try database.execute("PRAGMA temp_store = MEMORY")
    return database
  }

  /// Tables that only grow, and that nothing is decided by.
  private static let history: Set<String> = ["traffic_logs", "usage", "events"]

  private static func copyTables(of database: borrowing Connection) throws(SQLiteError) {
    // SQLite keeps the text of what was created, in this form whatever it was written in.
    var rows = try database.prepare(
      """
      SELECT type, name, sql FROM main.sqlite_schema
      WHERE type IN ('table', 'index') AND sql IS NOT NULL AND name NOT LIKE 'sqlite%'
      ORDER BY type DESC
      """)
    var statements: [String] = []
    while try rows.step() {
      let (name, sql) = (rows.text(1), rows.text(2))
      if rows.text(0) == "index" {
        statements.append(sql.replacing("INDEX ", with: "INDEX temp.", maxReplacements: 1))
      } else if sql.hasPrefix("CREATE TABLE ") {
        statements.append("CREATE TEMP TABLE " + sql.dropFirst("CREATE TABLE ".count))
        if !history.contains(name) {
          let quoted =
            "\""
            + name.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
          statements.append("INSERT INTO temp.\(quoted) SELECT * FROM main.\(quoted)")
        }
      }
    }
    for statement in statements { try database.execute(statement) }
  }
}
