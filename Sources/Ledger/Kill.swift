import SQLite

extension Ledger {
  /// Notes that a server was told to disconnect a session, so that the next sweep knows when that
  /// was and how often it was tried.
  ///
  /// - Parameter detail: why, in a few words.
  package func recordKill(
    of session: SessionIdentity, at time: Int64, detail: String
  ) throws(SQLiteError) {
    try database.transaction { () throws(SQLiteError) in
      var accounts = try Accounts(database)
      guard var account = try accounts.account(of: session) else { return }
      account.kills += 1
      account.killedAt = time
      try accounts.write(account)
      var name = try database.prepare("SELECT username FROM users WHERE id = ?1")
      name.bind(1, account.user)
      guard try name.step() else { return }
      let user = UserName(bytes: name.bytes(0))
      name.reset()
      try record(Event(at: time, user: user, kind: .killed, detail: detail))
    }
  }
}
