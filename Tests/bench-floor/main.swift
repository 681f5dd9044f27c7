import Glibc
import System
import SQLite

// The least that SQLite takes to keep what a sweep found out: the rows that the sweep wrote, upserted
// by prepared statements in one transaction, and nothing else. What a sweep costs is held against it.
//
//   bench-floor rows BEFORE AFTER     the rows of AFTER that are not so in BEFORE, to standard output
//   bench-floor write DATABASE ROWS   upserts the rows of a file; this is what is measured
//   bench-floor compare ONE OTHER     fails unless all such rows of two databases agree

/// Does what the words say.
private func run(_ words: [String]) throws {
  switch (words.first, words.count) {
  case ("rows", 3):
    var text = ""
    for table in Table.all { text += try table.rows(of: words[2], notIn: words[1]) }
    write(text, to: STDOUT_FILENO)
  case ("write", 3):
    var rows = Rows(try contents(ofFile: words[2], limit: .max))
    try upsert(&rows, into: words[1])
  case ("compare", 3):
    for table in Table.all {
      for (one, other) in [(words[1], words[2]), (words[2], words[1])] {
        let rows = try table.rows(of: one, notIn: other)
        if !rows.isEmpty { throw Difference(description: "only in \(one): \(rows.prefix(200))") }
      }
    }
  default: throw Difference(description: "usage: bench-floor rows|write|compare ONE OTHER")
  }
}

/// Two databases do not agree, or it is not clear what to do with them.
private struct Difference: Error, CustomStringConvertible {
  let description: String
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
