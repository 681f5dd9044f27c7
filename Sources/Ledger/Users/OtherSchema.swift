import Quota
import SQLite

/// What can be said of a user by a database whose schema is not ours.
///
/// `users`, `user_quotas` and the columns read here are in the earlier project's database and in
/// every version of ours, which mirrors the present period's usage in `bytes_used` for this.
/// So a hook that is older or younger than the database still keeps out who used up his quota.
///
/// - Returns: nil for a stranger; what was used stands in one direction, for the mirror already
///   holds what counts.
/// - Throws: `SQLiteError` where even these tables cannot be read.
package func standingInAnySchema(
  of name: UserName, in path: String
) throws(SQLiteError) -> Standing? {
  let database = try Connection(path, busyTimeout: Ledger.hookPatience)
  var statement = try database.prepare(
    """
    SELECT status, quota_bytes, bytes_used
    FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id WHERE username = ?1
    """)
  statement.bind(1, bytes: name.bytes)
  guard try statement.step() else { return nil }
  return Standing(
    isEnabled: statement.text(0) == "active", quota: max(0, statement.integer(1)),
    used: Traffic(sent: max(0, statement.integer(2))))
}
