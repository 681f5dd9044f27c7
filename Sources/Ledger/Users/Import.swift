import Quota
import SQLite

/// What is to hold for a user who is imported; nil where the import says nothing of it.
package struct ImportedUser: Equatable, Sendable {
  package let name: UserName
  package var isEnabled: Bool?
  /// Bytes, 0 for unlimited.
  package var quota: Int64?

  package init(name: UserName, isEnabled: Bool? = nil, quota: Int64? = nil) {
    self.name = name
    self.isEnabled = isEnabled
    self.quota = quota
  }
}

/// What an import came to.
package struct ImportResult: Equatable, Sendable {
  /// Users who were not there before.
  package var added: [UserName] = []
  /// Users for whom something else holds now.
  package var changed: [UserName] = []
  /// How many are as they were.
  package var unchanged = 0

  package init() {}
}

extension Ledger {
  /// Brings users to what an import says of them: who is not there is added, who is there is
  /// changed. All of it is one transaction.
  ///
  /// - Parameters:
  ///   - time: seconds since 1970 in UTC.
  ///   - progress: is told how many users are done.
  package func importUsers(
    _ users: [ImportedUser], at time: Int64, progress: (Int) -> Void
  ) throws(LedgerError) -> ImportResult {
    try together { () throws(LedgerError) in
      var result = ImportResult()
      for (index, user) in users.enumerated() {
        switch try bring(user, at: time) {
        case .added: result.added.append(user.name)
        case .changed: result.changed.append(user.name)
        case .unchanged: result.unchanged += 1
        }
        progress(index + 1)
      }
      return result
    }
  }

  /// What became of one user.
  enum ImportStep { case added, changed, unchanged }

  /// Brings one user to what an import says of him.
  func bring(_ user: ImportedUser, at time: Int64) throws(LedgerError) -> ImportStep {
    var isNew = false
    if try !isKnown(user.name) {
      _ = try addUser(user.name, quota: user.quota ?? rules.defaultQuota, at: time)
      isNew = true
    }
    var isChanged = false
    if let quota = user.quota {
      isChanged = try changeQuota(of: user.name, to: quota, at: time).isNew
    }
    if let isEnabled = user.isEnabled, try setEnabled(isEnabled, user.name, at: time).isNew {
      isChanged = true
    }
    return isNew ? .added : isChanged ? .changed : .unchanged
  }

  private func isKnown(_ name: UserName) throws(LedgerError) -> Bool {
    try asLedgerError { () throws(SQLiteError) in
      var owners = try Owners(self)
      return try owners.id(of: name) != nil
    }
  }
}
