import System
import SQLite

/// Why a copy of a ledger was not made, or not put back. Nothing was changed then.
package enum CopyError: Error {
  /// SQLite could not do what it was asked.
  case database(SQLiteError)
  /// A file could not be made, renamed or removed.
  case file(SystemError)
  /// SQLite finds these things wrong with a file.
  case damaged(String, [String])
  /// A file is a database, but no ledger.
  case noLedger(String)
  /// A file is a ledger, but not the earlier project's.
  case notEarlier(String)
  /// A ledger is of a later version than this program.
  case newer(LedgerError)
  /// A file is written to by others all the time.
  case changing(String)
  /// The copy would overwrite the very database.
  case sameFile(String)
  /// The copy would overwrite something that is no backup.
  case occupied(String)

  package var description: String {
    switch self {
    case .database(let error): error.description
    case .file(let error): error.description
    case .damaged(let file, let damage): "\(file) is damaged: \(damage.first ?? "")"
    case .noLedger(let file): "\(file) has no users and quotas in it"
    case .notEarlier(let file): "\(file) is a database of this project, not of the earlier one"
    case .newer(let error): error.description
    case .changing(let file): "\(file) is being written to"
    case .sameFile(let file): "\(file) is the database itself"
    case .occupied(let file): "\(file) is there already and is no backup"
    }
  }

  /// What to do about it, where that is known.
  package var hint: String? {
    switch self {
    case .database(let error): LedgerError.database(error).hint
    case .newer(let error): error.hint
    case .damaged: "nothing was changed; take an earlier backup"
    case .sameFile, .occupied: "name another file"
    case .notEarlier: "quota-admin restore puts a backup in the place of the database"
    case .changing: "stop what writes to it, and try again"
    case .file, .noLedger: nil
    }
  }
}

/// Runs calls to SQLite and says as `CopyError` why one failed.
func asCopyError<Result: ~Copyable>(
  _ body: () throws(SQLiteError) -> Result
) throws(CopyError) -> Result {
  do { return try body() } catch { throw .database(error) }
}

/// Runs system calls and says as `CopyError` why one failed.
func asCopyError<Result: ~Copyable>(
  _ body: () throws(SystemError) -> Result
) throws(CopyError) -> Result {
  do { return try body() } catch { throw .file(error) }
}
