import CSQLite

/// A call to SQLite that failed.
///
/// Its description reads `cannot open /path/quota.db: unable to open database file`.
package struct SQLiteError: Error, Equatable, CustomStringConvertible {
  /// What was tried, as a verb phrase: `open`, `write to`, `prepare a statement for`.
  package let action: String
  /// The path of the database.
  package let database: String
  /// SQLite's extended result code, <https://www.sqlite.org/rescode.html>.
  package let code: Int32
  /// SQLite's own words.
  package let message: String

  package init(_ action: String, database: String, code: Int32, message: String) {
    self.action = action
    self.database = database
    self.code = code
    self.message = message
  }

  /// What kind of trouble it is, for those who do something about it.
  package var kind: Kind {
    switch code & 0xff {
    case SQLITE_BUSY, SQLITE_LOCKED: .busy
    case SQLITE_CORRUPT, SQLITE_NOTADB: .damaged
    case SQLITE_CANTOPEN: .missing
    case SQLITE_FULL, SQLITE_IOERR: .unwritable
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH: .forbidden
    case SQLITE_CONSTRAINT: .constraint
    default: .other
    }
  }

  /// The kinds of trouble that callers tell apart.
  package enum Kind: Sendable {
    /// Another process holds the lock and did not release it within the busy timeout.
    case busy
    /// The file is not a database, or a broken one.
    case damaged
    /// There is no such file, or it may not be opened.
    case missing
    /// The disk is full or failing.
    case unwritable
    /// The file, its directory or its side files may not be written.
    case forbidden
    /// A row broke a rule of the schema, such as a name that is taken.
    case constraint
    /// Anything else: a bug of ours.
    case other
  }

  package var description: String { "cannot \(action) \(database): \(message)" }
}
