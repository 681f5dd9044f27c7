import Quota
import SQLite

/// What an administrator's change came to.
package struct ChangeResult: Sendable {
  package let user: UserRecord
  /// Whether anything is other than it was.
  package let isNew: Bool
}

/// The users: who is there, what holds for them, and every change of it. A change is one transaction
/// with the events that tell of it.
package struct Users {
  let ledger: Ledger

  /// What tells a row of a user who is there from one of a name that was taken away; to go into a
  /// query on `users`.
  static let isPresent = "coalesce(status, '') NOT IN ('removed', 'renamed')"

  /// The id of the next row of `users`, as SQL: one above the highest that ever was, so that none is
  /// given again after a purge.
  static let nextID = """
    (SELECT max(coalesce((SELECT max(id) FROM users), 0),
      coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'last_user'), 0)) + 1)
    """
}

// MARK: Reading

extension Users {
  /// What there is on one user at a moment, nil for a stranger.
  package func named(_ name: UserName, at time: Int64) throws(SQLiteError) -> UserRecord? {
    guard let user = try stored(name) else { return nil }
    return try present(user, at: time)
  }

  /// Hands every user to a body, in the order of their names' bytes, all as of one moment.
  ///
  /// - Parameter time: the moment whose period and entitlement they are shown with.
  package func forEach(at time: Int64, _ body: (UserRecord) -> Void) throws(SQLiteError) {
    var rows = try ledger.database.prepare(
      "\(UserRecord.selection) WHERE \(Users.isPresent) ORDER BY username")
    while try rows.step() { body(try present(UserRecord(rows), at: time)) }
  }

  package func names() throws(SQLiteError) -> [UserName] {
    try ledger.database.query(
      "SELECT username FROM users WHERE \(Users.isPresent) ORDER BY username"
    ) { UserName(bytes: $0.bytes(0)) }
  }

  /// How many users have a rate of their own or of their plan.
  package func countWithRates() throws(SQLiteError) -> Int64 {
    let isHeld = ["rate", "then_rate"].map {
      "coalesce(user_quotas.\($0), plans.\($0), 'none') <> 'none'"
    }
    return try ledger.database.integer(
      """
      SELECT count(*) FROM \(EntitlementRow.tables)
      WHERE \(Users.isPresent) AND (\(isHeld.joined(separator: " OR ")))
      """)
  }

  private func stored(_ name: UserName) throws(SQLiteError) -> UserRecord? {
    try ledger.database.first("\(UserRecord.selection) WHERE \(isNamed)", key(of: name)) {
      UserRecord($0)
    }
  }

  private func present(_ user: UserRecord, at time: Int64) throws(SQLiteError) -> UserRecord {
    var user = user
    user.at = time
    user.entitlement = try ledger.periods.entitlement(user.row, at: time)
    return user
  }

  func find(_ name: UserName) throws(SQLiteError) -> UserRecord? {
    guard let user = try stored(name) else { return nil }
    return try withQuotaRow(user)
  }

  /// A user by their number; nil where there is none, or no more.
  func numbered(_ id: Int64) throws(SQLiteError) -> UserRecord? {
    try ledger.database.first(
      "\(UserRecord.selection) WHERE users.id = ?1 AND \(Users.isPresent)", id
    ) { UserRecord($0) }
  }

  /// A user with a row in `user_quotas`: another program may have added the user and no more.
  func withQuotaRow(_ user: UserRecord) throws(SQLiteError) -> UserRecord {
    var user = user
    if user.row.quotaRow == nil { user.row.quotaRow = try addQuotaRow(of: user.row.user) }
    return user
  }
}

// MARK: Changing

extension Users {
  /// Adds a user.
  ///
  /// - Parameters:
  ///   - terms: what they have of their own; a quota that neither they nor their plan has is unlimited.
  ///   - plan: the name of the plan that they follow in everything else; nil for none.
  /// - Throws: `LedgerError.userExists`, `.noSuchPlan`, or what `check` throws.
  package func add(
    _ name: UserName, _ terms: Terms, plan: String? = nil, at time: Int64
  ) throws -> UserRecord {
    try ledger.transaction {
      let plan = try plan.map(ledger.plans.existing)
      if try id(of: name) != nil { throw LedgerError.userExists(try spelling(of: name)) }
      return try add(name, terms, plan, at: time)
    }
  }

  func add(_ name: UserName, _ terms: Terms, _ plan: Plan?, at time: Int64) throws -> UserRecord {
    let effective = terms.following(plan?.terms ?? Terms())
    try ledger.check(effective, own: terms)
    let quota = Terms.exactWords(forQuota: effective.quota ?? 0)
    return try insert(name, terms, plan, "by an administrator, quota \(quota)", at: time)
  }

  /// - Parameter detail: how they came to be one, for the event.
  func insert(
    _ name: UserName, _ terms: Terms, _ plan: Plan?, _ detail: String, at time: Int64
  ) throws(SQLiteError) -> UserRecord {
    try ledger.database.run(
      """
      INSERT INTO users (id, username, status, created_at, updated_at, name_key)
      VALUES (\(Users.nextID), ?1, 'active', datetime(?2, 'unixepoch'), datetime(?2, 'unixepoch'), ?3)
      """, name, time, name.foldedKey)
    let row = EntitlementRow(user: ledger.database.lastInsertedRow)
    var user = UserRecord(name, row: row, own: terms, plan: plan, at: time)
    user.entitlement.span =
      CurrentPeriod(user.period, resetAt: nil, at: time, in: ledger.zone).span
    try ledger.events.record(Event(at: time, user: name, kind: .created, detail: detail))
    try ledger.notices.noteExpiry(of: user.entitlement, name, at: time)
    try write(user, at: time)
    return user
  }

  /// Changes some of a user's terms.
  ///
  /// A period that starts over on another day does so at once: usage counts from the start of the
  /// period that then holds, by the history.
  ///
  /// - Parameter plan: the name of the plan they follow; `follow` for none.
  /// - Throws: `LedgerError.noSuchUser`, `.noSuchPlan`, or what `check` throws.
  package func change(
    _ name: UserName, _ edit: TermsEdit, plan: Edit<String> = .keep, at time: Int64
  ) throws -> ChangeResult {
    try change(name, at: time) { user in
      try change(&user, edit, plan: plan.map(ledger.plans.existing), at: time)
    }
  }

  /// Lets a user in again or shuts them out.
  ///
  /// - Throws: `LedgerError.noSuchUser`.
  package func setEnabled(
    _ isEnabled: Bool, _ name: UserName, at time: Int64
  ) throws -> ChangeResult {
    try change(name, at: time) { try setEnabled(isEnabled, &$0, at: time) }
  }

  /// Lets a user's usage start over now. What was used so far stays in a finished period; nothing else
  /// changes.
  ///
  /// - Throws: `LedgerError.noSuchUser`.
  package func reset(_ name: UserName, at time: Int64) throws -> ChangeResult {
    try change(name, at: time) { try reset(&$0, at: time) }
  }

  /// Lets the usage of all users start over.
  ///
  /// - Returns: how many users there are, and how many of them had used anything.
  package func resetAll(at time: Int64) throws -> (users: Int, reset: Int) {
    try ledger.transaction {
      let names = try names()
      let isReset = try names.map { name in
        guard var user = try find(name) else { return false }
        return try reset(&user, at: time)
      }
      return (names.count, isReset.count { $0 })
    }
  }

  /// Changes a user in one transaction.
  ///
  /// - Parameter body: says whether it changed anything.
  func change(
    _ name: UserName, at time: Int64, _ body: (inout UserRecord) throws -> Bool
  ) throws -> ChangeResult {
    try ledger.transaction {
      guard var user = try find(name) else { throw LedgerError.noSuchUser(name) }
      let isNew = try body(&user)
      return ChangeResult(user: try present(user, at: time), isNew: isNew)
    }
  }

  func change(
    _ user: inout UserRecord, _ edit: TermsEdit, plan: Edit<Plan>, at time: Int64
  ) throws -> Bool {
    let before = user
    user.own = edit.applied(to: before.own)
    user.plan = plan.applied(to: before.plan)
    try ledger.check(user.effective, own: user.own, since: before.own)
    let followsAnother = user.plan?.id != before.plan?.id
    let beginsAnew = edit.lifetime != .keep || (user.own.lifetime == nil && followsAnother)
    if beginsAnew { user.begunAt = nil }
    if user.own == before.own, !followsAnother, !beginsAnew { return false }
    try settle(&user, since: before, at: time)
    return true
  }

  /// Brings a user up to the terms that hold for them from now on, and writes them.
  func settle(
    _ user: inout UserRecord, since before: UserRecord, at time: Int64
  ) throws(SQLiteError) {
    // The period that is over ends under the terms it had.
    if !user.entitlement.span.contains(time) {
      user.row = try ledger.periods.rolledOver(user.row, to: time)
    }
    user.settle(at: time)
    if user.period != before.period {
      user.row = try ledger.periods.startedPeriod(of: user.row, at: time) {
        id, start throws(SQLiteError) in
        try ledger.usage.sum(of: id, since: start)
      }
    }
    try ledger.notices.noteUsage(&user.row, at: time)
    try ledger.notices.noteExpiry(of: user.entitlement, user.name, at: time)
    try write(user, at: time)
    try recordChange(from: before, to: user, at: time)
  }

  func setEnabled(
    _ isEnabled: Bool, _ user: inout UserRecord, at time: Int64
  ) throws(SQLiteError) -> Bool {
    if user.entitlement.isEnabled == isEnabled { return false }
    user.entitlement.isEnabled = isEnabled
    try ledger.database.run(
      "UPDATE users SET status = ?2, updated_at = datetime(?3, 'unixepoch') WHERE id = ?1",
      user.row.user, isEnabled ? "active" : "disabled", time)
    try ledger.events.record(
      Event(
        at: time, user: user.name, kind: isEnabled ? .enabled : .disabled,
        detail: "by an administrator"))
    return true
  }

  /// - Returns: whether there was anything to start over from.
  private func reset(_ user: inout UserRecord, at time: Int64) throws(SQLiteError) -> Bool {
    user.row = try ledger.periods.rolledOver(user.row, to: time)
    let isNew = !user.entitlement.usedInAll.isZero && user.entitlement.span.start < time
    if isNew { try startOver(&user, at: time, toldAt: time) }
    try ledger.periods.store(user.row)
    return isNew
  }

  /// Lets the usage of a user start over, whose row is up to date; it is left to the caller to store it.
  ///
  /// - Parameters:
  ///   - time: from when on it does.
  ///   - now: when this host came to know: what it counted until then stays before it.
  func startOver(
    _ user: inout UserRecord, at time: Int64, toldAt now: Int64
  ) throws(SQLiteError) {
    let used = ledger.rules.count.bytes(of: user.entitlement.usedInAll)
    user.row.resetAt = time
    user.row = try ledger.periods.rolledOver(user.row, to: now)
    try ledger.events.record(
      Event(at: now, user: user.name, kind: .reset, detail: "\(used) bytes were used"))
  }

  private static let writing =
    """
    INSERT INTO user_quotas (\(UserRecord.columns.list), user_id, updated_at)
    VALUES (\(UserRecord.columns.parameters), :user, datetime(:at, 'unixepoch'))
    ON CONFLICT (user_id) DO UPDATE SET \(UserRecord.columns.replacements),
      updated_at = excluded.updated_at
    """

  private func write(_ user: UserRecord, at time: Int64) throws(SQLiteError) {
    var statement = try ledger.database.prepare(Users.writing)
    statement.bind(user.stored(by: ledger.rules.count) + [user.row.user, time])
    try statement.run()
  }

  private func recordChange(
    from before: UserRecord, to after: UserRecord, at time: Int64
  ) throws(SQLiteError) {
    func record(_ kind: Event.Kind, _ detail: String) throws(SQLiteError) {
      try ledger.events.record(Event(at: time, user: after.name, kind: kind, detail: detail))
    }
    let (old, new) = (before.effective, after.effective)
    if let from = old.quota, let to = new.quota, from != to {
      try record(
        .quota, "from \(Terms.exactWords(forQuota: from)) to \(Terms.exactWords(forQuota: to))")
    }
    var details = new.differences(from: old, butQuota: true)
    if after.plan?.id != before.plan?.id { details.append("plan \(after.plan?.name ?? "none")") }
    if !details.isEmpty { try record(.terms, details.joined(separator: "; ")) }
  }
}

// MARK: Pages

extension Users {
  /// What the name of a user's page begins with: 128 random bits in 32 hexadecimal digits, which stay
  /// theirs and nobody can guess. It changes nothing of what the user may do.
  ///
  /// - Parameter renews: whether they get another one in its place.
  /// - Returns: it; nil for a stranger.
  package func pageToken(of name: UserName, renews: Bool = false) throws -> String? {
    try ledger.database.transaction(failing: { $0 as any Error }) {
      guard let user = try stored(name) else { return nil }
      if let token = user.pageToken, !renews { return token }
      return try givePageToken(to: user.number)
    }
  }

  package func givePageTokens() throws(SQLiteError) {
    let without = "SELECT id FROM users WHERE page_token IS NULL AND \(Users.isPresent)"
    if try !ledger.database.exists(without) { return }
    // Another program may give one meanwhile, and tell it.
    try ledger.database.transaction { () throws(SQLiteError) in
      let users = try ledger.database.query(without) { $0.integer(0) }
      for user in users { _ = try givePageToken(to: user) }
    }
  }

  private func givePageToken(to user: Int64) throws(SQLiteError) -> String {
    let token = randomDigits()
    try ledger.database.run("UPDATE users SET page_token = ?2 WHERE id = ?1", user, token)
    return token
  }
}

// MARK: What sessions bring about

extension Users {
  /// Whom a session under this name is billed to: a user who is known, or was when the session began,
  /// or one created with the default quota where the settings allow strangers; nil where they are
  /// not metered.
  ///
  /// - Parameter since: when the session began, in seconds since 1970.
  func owner(named name: UserName, since: Int64, at time: Int64) throws(SQLiteError) -> Int64? {
    if let known = try knownOwner(named: name, since: since) { return known }
    guard ledger.rules.unknownUsers == .allow else { return nil }
    let terms = Terms(quota: ledger.rules.defaultQuota)
    return try insert(key(of: name), terms, nil, "on first sight", at: time).row.user
  }

  /// Lets a user's time begin with a session, where it has waited for the first one.
  func beginLifetime(of user: Int64, at time: Int64) throws(SQLiteError) {
    let begun = try ledger.database.run(
      """
      UPDATE user_quotas SET began_at = ?2 WHERE user_id = ?1 AND began_at IS NULL
        AND iif(from_first IS NULL, (SELECT expires_after FROM plans WHERE plans.id = plan_id),
          expires_after) IS NOT NULL
      """, user, time)
    if begun > 0 { try ledger.hosts.noteProposal(of: user) }
    guard begun > 0, let row = try ledger.periods.entitlementRow(of: user),
      let name = try name(of: user)
    else { return }
    try ledger.notices.noteExpiry(of: row.entitlement, name, at: time)
  }

  /// A user's row with one in `user_quotas`, where another program has added the user and no more;
  /// one who was removed has none.
  func withQuotaRow(_ row: EntitlementRow) throws(SQLiteError) -> EntitlementRow? {
    let isPresent = try ledger.database.exists(
      "SELECT 1 FROM users WHERE id = ?1 AND \(Users.isPresent)", row.user)
    guard isPresent else { return row }
    _ = try addQuotaRow(of: row.user)
    return try ledger.periods.entitlementRow(of: row.user)
  }

  /// The row in `user_quotas` of a user, which is added where there is none.
  private func addQuotaRow(of user: Int64) throws(SQLiteError) -> Int64 {
    try ledger.database.first(
      """
      INSERT INTO user_quotas (user_id) VALUES (?1)
      ON CONFLICT (user_id) DO UPDATE SET user_id = user_id RETURNING id
      """, user
    ) { $0.integer(0) } ?? 0
  }
}

extension Edit {
  /// The edit with what is made of its value.
  func map<Other>(_ transform: (Value) throws -> Other) rethrows -> Edit<Other> {
    switch self {
    case .keep: .keep
    case .set(let value): .set(try transform(value))
    case .follow: .follow
    }
  }
}
