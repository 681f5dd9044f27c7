import Glibc
import System
import SQLite

/// Why a ledger cannot be used.
package enum LedgerError: Error, CustomStringConvertible {
  case database(SQLiteError)
  /// The database's directory, or a file of the database, cannot be opened or must not be trusted.
  case file(SystemError)
  /// The database was written by another version of these programs.
  case schema(database: String, found: Int64, expected: Int64)
  case noSuchUser(UserName)
  case userExists(UserName)
  case noSuchPlan(String)
  case planExists(String)
  case planInUse(String, [UserName])
  case noSuchGrant(UserName, Int64)
  case nothingToGrant(UserName)
  /// Terms that make no sense together: what is wrong, and what is allowed.
  case contradiction(String)
  /// A rate that nothing would hold a user to.
  case unfenced
  case damaged(String, [String])
  case noLedger(String)
  case notEarlier(String)
  case changing(String)
  case sameFile(String)
  case occupied(String)

  package var description: String {
    switch self {
    case .database(let error): error.description
    case .file(let error): error.description
    case .schema(let database, let found, _) where 1...2 ~= found:
      "\(database) is of a development version (schema \(found)), which was never released"
    case .schema(let database, let found, let expected):
      "\(database) has schema \(found), and this program knows schema \(expected)"
    case .noSuchUser(let name): "there is no user \(name)"
    case .userExists(let name): "there is a user \(name) already"
    case .noSuchPlan(let name): "there is no plan \(name)"
    case .planExists(let name): "there is a plan \(name) already"
    case .planInUse(let name, let users):
      "plan \(name) is in use by \(LedgerError.words(for: users))"
    case .noSuchGrant(let name, let number): "\(name) has no grant \(number)"
    case .nothingToGrant(let name):
      "\(name) has no quota, so there is nothing to grant on top of it"
    case .contradiction(let text): text
    case .unfenced: "a rate takes FENCE=yes: without it nothing slows anybody down"
    case .damaged(let file, let damage): "\(file) is damaged: \(damage.first ?? "")"
    case .noLedger(let file): "\(file) has no users and quotas in it"
    case .notEarlier(let file): "\(file) is a database of this project, not of the earlier one"
    case .changing(let file): "\(file) is being written to"
    case .sameFile(let file): "\(file) is the database itself"
    case .occupied(let file): "\(file) is there already and is no backup"
    }
  }

  /// What to do about it, where that is known.
  package var hint: String? {
    switch self {
    case .schema(_, let found, _) where 1...2 ~= found:
      "export its users with the version that made it, move it away, and import them"
    case .schema(_, let found, let expected) where found > expected:
      "install the version of openvpn-quota that this database was last used with, or a later one"
    case .schema: "run quota-sweep once: it brings the database up to date"
    case .database(let error) where error.kind == .missing:
      "the first run of quota-sweep or quota-admin creates the database; its directory must exist"
    case .database(let error) where error.kind == .forbidden || error.kind == .unwritable:
      "the database and its directory belong to the user openvpn-quota, and there must be space"
    case .database(let error) where error.kind == .damaged:
      "restore the last backup; the damaged file is left as it is"
    case .file(let error):
      switch error.code {
      case ENOENT:
        "the database's directory must exist: install -d -m 2750 -o openvpn-quota -g openvpn-quota \(error.subject)"
      case ELOOP, EPERM:
        "in the database's directory only its owner may write (mode 2750), and all files are that owner's"
      default: nil
      }
    case .unfenced: "quota-fence(8) says how to turn it on"
    case .planExists: "quota-admin plan set changes it"
    case .noSuchGrant: "quota-admin grants NAME shows them"
    case .planInUse: "give them another plan first, as in: quota-admin set NAME --plan none"
    case .damaged: "nothing was changed; take an earlier backup"
    case .sameFile, .occupied: "name another file"
    case .notEarlier: "quota-admin restore puts a backup in the place of the database"
    case .changing: "stop what writes to it, and try again"
    case .nothingToGrant: "give the user a quota first, as in: quota-admin set NAME --quota 50GB"
    default: nil
    }
  }

  /// Some of many users, for a line that a person reads.
  private static func words(for users: [UserName]) -> String {
    let named = users.prefix(10).map(\.description).joined(separator: ", ")
    return users.count > 10 ? "\(named) and \(users.count - 10) more" : named
  }
}
