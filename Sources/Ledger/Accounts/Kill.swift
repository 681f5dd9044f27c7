import Quota
import SQLite

extension Ledger {
  /// Notes that servers were told to disconnect sessions, so that the next sweep knows when that
  /// was and how often it was tried.
  ///
  /// - Parameters:
  ///   - kills: the sessions, and why each had to go.
  ///   - time: seconds since 1970 in UTC.
  package func recordKills(
    _ kills: [(session: SessionIdentity, owner: UserName, reason: Reason)], at time: Int64
  ) throws(SQLiteError) {
    if kills.isEmpty { return }
    try database.transaction { () throws(SQLiteError) in
      var accounts = try Accounts(database)
      for kill in kills {
        if var account = try accounts.account(of: kill.session) {
          account.kills += 1
          account.killedAt = time
          try accounts.write(account)
        }
        try record(
          Event(at: time, user: kill.owner, kind: .killed, detail: kill.reason.rawValue))
        try notice(.killed, kill.reason, of: kill.owner, at: time)
      }
    }
  }
}
