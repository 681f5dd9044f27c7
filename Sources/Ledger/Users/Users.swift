import Quota
import SQLite

extension Ledger {
  /// The statement that finds a user by his name.
  struct Owners: ~Copyable {
    private var find: Statement

    init(_ ledger: Ledger) throws(SQLiteError) {
      find = try ledger.database.prepare("SELECT id FROM users WHERE username = ?1")
    }

    /// The id of a user, nil for a stranger.
    mutating func id(of name: UserName) throws(SQLiteError) -> Int64? {
      find.bind(1, bytes: name.bytes)
      guard try find.step() else { return nil }
      let id = find.integer(0)
      find.reset()
      return id
    }
  }

  /// Whom a session under this name is billed to: a user who is known, or was when the session began,
  /// or one created with the default quota where the settings allow strangers; nil where they are
  /// not metered.
  ///
  /// - Parameter since: when the session began, in seconds since 1970.
  func owner(named name: UserName, since: Int64, at time: Int64) throws(SQLiteError) -> Int64? {
    if let former = try formerOwner(named: name, since: since) { return former }
    var owners = try Owners(self)
    if let known = try owners.id(of: name) { return known }
    guard rules.unknownUsers == .allow else { return nil }
    return try create(name, quota: rules.defaultQuota, detail: "on first sight", at: time)
  }

  /// Adds a user and his quota row, which a trigger of the earlier project may have added.
  func create(
    _ name: UserName, quota: Int64, detail: String, at time: Int64
  ) throws(SQLiteError) -> Int64 {
    var user = try database.prepare(
      """
      INSERT INTO users (username, status, created_at, updated_at)
      VALUES (?1, 'active', datetime(?2, 'unixepoch'), datetime(?2, 'unixepoch'))
      """)
    user.bind(1, bytes: name.bytes)
    user.bind(2, time)
    try user.run()
    let id = database.lastInsertedRow
    try setQuota(of: id, to: quota, at: time)
    try record(Event(at: time, user: name, kind: .created, detail: detail))
    return id
  }

  func setQuota(of user: Int64, to quota: Int64, at time: Int64) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      INSERT INTO user_quotas (user_id, quota_bytes, bytes_used, updated_at)
      VALUES (?1, ?2, 0, datetime(?3, 'unixepoch'))
      ON CONFLICT (user_id) DO UPDATE SET
        quota_bytes = excluded.quota_bytes, updated_at = excluded.updated_at
      """)
    statement.bind(1, user)
    statement.bind(2, quota)
    statement.bind(3, time)
    try statement.run()
  }
}
