import Glibc
import System
import SQLite

// A yardstick that stays as it is while the programs change: the rows that version 2's sweep wrote
// when all sessions had changed, upserted into its tables by prepared statements in one transaction,
// and nothing else.
//
//   bench-floor make DATABASE SESSIONS   makes the database, and prints the rows
//   bench-floor write DATABASE ROWS      upserts the rows of a file; this is what is measured

/// Does what the words say.
private func run(_ words: [String]) throws {
  guard words.count == 3 else { throw Misuse() }
  switch words[0] {
  case "make":
    guard let sessions = Int(words[2]), sessions > 0 else { throw Misuse() }
    write(try Version2.make(words[1], sessions: sessions), to: STDOUT_FILENO)
  case "write":
    var rows = Rows(try contents(ofFile: words[2], limit: .max))
    try upsert(&rows, into: words[1])
  default: throw Misuse()
  }
}

private struct Misuse: Error, CustomStringConvertible {
  let description = "usage: bench-floor make DATABASE SESSIONS | write DATABASE ROWS"
}

/// Upserts rows in one transaction, on a connection that is set up as the sweep's is.
private func upsert(_ rows: inout Rows, into path: String) throws(SQLiteError) {
  let database = try Connection(path, busyTimeout: 20_000)
  try database.execute("PRAGMA synchronous = FULL; PRAGMA cache_size = -500")
  try database.transaction { () throws(SQLiteError) in
    for table in Table.all {
      var statement = try database.prepare(table.upsert)
      while rows.bindNext(of: table, to: &statement) { try statement.run() }
    }
  }
}

private func write(_ text: String, to descriptor: Int32) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    if count <= 0 { return }
    rest = rest.dropFirst(count)
  }
}

do {
  try run(Array(CommandLine.arguments.dropFirst()))
  exit(0)
} catch {
  write("bench-floor: error: \(error)\n", to: STDERR_FILENO)
  exit(EX_DATAERR)
}
