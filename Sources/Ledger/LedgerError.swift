import POSIX
import SQLite

/// Why a ledger cannot be used.
package enum LedgerError: Error, CustomStringConvertible {
  /// SQLite could not do what it was asked.
  case database(SQLiteError)
  /// The spool beside the database could not be made.
  case spool(SystemError)
  /// The database was written by another version of these programs.
  case schema(database: String, found: Int64, expected: Int64)
  /// There is no such user.
  case noSuchUser(UserName)
  /// There is such a user already.
  case userExists(UserName)

  package var description: String {
    switch self {
    case .database(let error): error.description
    case .spool(let error): error.description
    case .schema(let database, let found, let expected):
      "\(database) has schema \(found), and this program knows schema \(expected)"
    case .noSuchUser(let name): "there is no user \(name)"
    case .userExists(let name): "there is a user \(name) already"
    }
  }

  /// What to do about it, where that is known.
  package var hint: String? {
    switch self {
    case .schema(_, let found, let expected) where found > expected:
      "install the version of openvpn-quota that this database was last used with, or a later one"
    case .schema: "run quota-sweep once: it brings the database up to date"
    case .database(let error) where error.kind == .missing:
      "the first run of quota-sweep or quota-admin creates the database; its directory must exist"
    case .database(let error) where error.kind == .forbidden || error.kind == .unwritable:
      "the database and its directory belong to the group openvpn-quota, and there must be space"
    case .database(let error) where error.kind == .damaged:
      "restore the last backup; the damaged file is left as it is"
    default: nil
    }
  }
}
