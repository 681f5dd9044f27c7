import Quota
import SQLite

/// The terms a user has of his own and those that hold for him, with the plan that the rest is from.
struct UserTerms {
  let user: Int64
  let name: UserName
  var plan: Plan?
  /// What he has of his own.
  var own: Terms
  /// When a time that does not end on a date began for him.
  var begunAt: Int64?
  /// Whether he has a session that was live at the last sweep.
  let isConnected: Bool
  /// Whether an administrator lets him in.
  let isEnabled: Bool

  /// What holds for him.
  var effective: Terms {
    var terms = own.following(plan?.terms ?? Terms())
    terms.quota = terms.quota ?? 0
    return terms
  }
}

extension UserTerms {
  /// The columns of `users` and `user_quotas` that terms are read from.
  static let columns =
    """
    users.id, own, quota_bytes, period, expires_at, expires_after, began_at, max_sessions,
      grace_bytes, grace_percent, is_exempt, plan_id,
      EXISTS (SELECT 1 FROM sessions WHERE user_id = users.id AND ended_at IS NULL AND reason IS NULL), status
    """
}

extension Ledger {
  /// The terms of a user, nil for a stranger.
  func terms(ofUser name: UserName) throws(SQLiteError) -> UserTerms? {
    var statement = try database.prepare(
      """
      SELECT \(UserTerms.columns) FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id WHERE username = ?1
      """)
    statement.bind(1, bytes: name.bytes)
    guard try statement.step() else { return nil }
    let plan = try statement.optionalInteger(11).flatMap { id throws(SQLiteError) in
      try self.plan(id)
    }
    return UserTerms(
      user: statement.integer(0), name: name, plan: plan, own: Terms(own: statement),
      begunAt: statement.optionalInteger(6), isConnected: statement.integer(12) != 0,
      isEnabled: statement.text(13) == "active")
  }

  /// Writes what holds for a user, and whose it is. A lifetime that holds anew begins anew.
  func write(_ terms: UserTerms, at time: Int64) throws(SQLiteError) {
    // Somebody else's program may have added the user and no more.
    try database.execute("INSERT OR IGNORE INTO user_quotas (user_id) VALUES (\(terms.user))")
    let holds = terms.effective
    let lifetime = holds.lifetime ?? .unlimited
    let course = lifetime.course(
      begunAt: terms.begunAt, isConnected: terms.isConnected, at: time)
    var statement = try database.prepare(
      """
      UPDATE user_quotas SET own = ?2, plan_id = ?3, quota_bytes = ?4, period = ?5,
        expires_at = ?6, expires_after = ?7, began_at = ?8, max_sessions = ?9, grace_bytes = ?10,
        grace_percent = ?11, is_exempt = ?12, updated_at = datetime(?13, 'unixepoch')
      WHERE user_id = ?1
      """)
    statement.bind(1, terms.user)
    statement.bind(2, Own(of: terms.own).rawValue)
    statement.bind(3, terms.plan?.id)
    statement.bind(4, holds.quota)
    statement.bind(5, holds.period?.text)
    statement.bind(6, course.endsAt)
    statement.bind(7, lifetime.seconds)
    statement.bind(8, course.begunAt)
    statement.bind(9, holds.maxSessions ?? 0)
    statement.bind(10, holds.grace?.bytes ?? 0)
    statement.bind(11, holds.grace?.percent ?? 0)
    statement.bind(12, holds.isExempt == true ? 1 : 0)
    statement.bind(13, time)
    try statement.run()
  }

  /// Lets a user's time begin with a session, where it has waited for the first one.
  func beginLifetime(of user: Int64, at time: Int64) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      UPDATE user_quotas SET began_at = ?2, expires_at = ?2 + expires_after
      WHERE user_id = ?1 AND began_at IS NULL AND expires_after IS NOT NULL
      """)
    statement.bind(1, user)
    statement.bind(2, time)
    try statement.run()
    if database.changes > 0 { try noticeExpiry(of: user, at: time) }
  }
}

extension Own {
  init(of terms: Terms) {
    self = []
    if terms.quota != nil { insert(.quota) }
    if terms.period != nil { insert(.period) }
    if terms.lifetime != nil { insert(.lifetime) }
    if terms.maxSessions != nil { insert(.maxSessions) }
    if terms.grace != nil { insert(.grace) }
    if terms.isExempt != nil { insert(.exemption) }
  }
}

extension Terms {
  /// What of a row of `UserTerms.columns` is the user's own.
  init(own row: borrowing Statement) {
    let own = Own(rawValue: row.integer(1))
    self.init()
    if own.contains(.quota) { quota = max(0, row.integer(2)) }
    if own.contains(.period) { period = Period(text: row.isNull(3) ? nil : row.text(3)) }
    if own.contains(.lifetime) {
      lifetime = Lifetime(
        end: row.optionalInteger(4), seconds: row.optionalInteger(5),
        fromFirstConnection: row.isNull(6))
    }
    if own.contains(.maxSessions) { maxSessions = row.integer(7) }
    if own.contains(.grace) { grace = Grace(bytes: row.integer(8), percent: row.integer(9)) }
    if own.contains(.exemption) { isExempt = row.integer(10) != 0 }
  }
}

extension Lifetime {
  /// The lifetime that is stored as an end or a number of seconds.
  init(end: Int64?, seconds: Int64?, fromFirstConnection: Bool) {
    if let seconds {
      self = .lasting(seconds, from: fromFirstConnection ? .firstConnection : .atOnce)
    } else {
      self = end.map { .until($0) } ?? .unlimited
    }
  }
}
