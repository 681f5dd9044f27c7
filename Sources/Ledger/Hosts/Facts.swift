import Quota
import SQLite
import Support

// What this host tells the centre of users, plans and grants.

extension Hosts {
  /// What the centre does not have: users who were seen for the first time or were here when the host
  /// joined, with their grants, and plans. And, with the version that the centre has, users whose time
  /// began here with their first connection: of several proposals for `began_at` the least holds.
  ///
  /// Plans come first and grants last. Where the centre has a user of that name already, theirs holds and
  /// these grants are dropped. Uids are drawn anew each time until `takeIn` gives a user theirs. After
  /// `startOver` it is everybody, for the centre may be one that never heard of them.
  package func newFacts() throws -> [SharedFact] {
    try ledger.snapshot {
      let isAnew = try membership()?.factsSeen == 0
      let strangers = try ledger.database.query(
        "SELECT id FROM users WHERE \(isAnew ? "true" : "uid IS NULL") AND \(Users.isPresent)"
      ) { $0.integer(0) }
      let proposals = try ledger.database.query(
        "SELECT users.id FROM shared JOIN users ON uid = key WHERE is_due AND kind = 'user'"
      ) { $0.integer(0) }
      let facts = try plans().filter { !$0.isRemoved } + facts(of: strangers)
      let proposed = try proposals.compactMap { user throws(SQLiteError) in
        try proposal(of: user)
      }
      return ordered(facts + proposed)
    }
  }

  /// All that the centre said and may have lost.
  package func heardFacts() throws(SQLiteError) -> [SharedFact] {
    var facts = try ledger.database.query(
      "SELECT \(Hosts.sharedColumns) FROM shared ORDER BY version"
    ) { Hosts.sharedFact($0) }.compactMap(\.self)
    for place in facts.indices where facts[place].kind == .user && !facts[place].isRemoved {
      let name = Escaping.bytes(ofName: Array((facts[place].content["name"] ?? "").utf8))
      facts[place].uniqueName = ledger.users.key(of: UserName(bytes: name)).bytes
    }
    return facts
  }

  /// Gives a user another uid, where the centre was restored and has one of their name by now, whom another
  /// host saw: the two are one.
  ///
  /// - Parameter version: of what the centre has of that one; what is known here holds.
  package func rename(_ uid: String, to other: String, after version: Int64) throws {
    try ledger.transaction {
      try ledger.database.run("UPDATE users SET uid = ?2 WHERE uid = ?1", uid, other)
      try ledger.database.run(
        """
        UPDATE shared SET key = ?2 || substr(key, length(?1) + 1), version = max(version, ?3 + 1)
        WHERE kind = 'user' AND key = ?1 OR kind = 'grant' AND key >= ?1 || '/' AND key < ?1 || '0'
        """, uid, other, version)
    }
  }

  /// Whether the centre is to be told of anybody.
  package func hasNews() throws(SQLiteError) -> Bool {
    try ledger.database.exists("SELECT 1 FROM users WHERE uid IS NULL AND \(Users.isPresent)")
  }

  /// What this connection's changes, in `Ledger.dryRun`, made of the facts, each with the version of the
  /// centre's that it changes.
  package func changedFacts() throws -> [SharedFact] {
    let watch = ledger.database.watch
    var changed = Set(watch.rows(of: "users"))
    for row in watch.rows(of: "user_quotas") {
      let user = try ledger.database.first("SELECT user_id FROM user_quotas WHERE id = ?1", row) {
        $0.integer(0)
      }
      if let user { changed.insert(user) }
    }
    let plans = watch.hasChanges(in: "plans") ? try plans() : []
    return try ordered(plans + facts(of: changed.sorted()))
  }

  /// Notes that this host has something to say of a user that the centre does not know.
  func noteProposal(of user: Int64) throws(SQLiteError) {
    guard try isJoined() else { return }
    try ledger.database.run(
      """
      UPDATE shared SET is_due = 1
      WHERE kind = 'user' AND key = (SELECT uid FROM users WHERE id = ?1)
      """, user)
  }

  /// What the centre last said of a fact; nil for one that it does not have.
  func shared(_ kind: SharedFact.Kind, _ key: String) throws(SQLiteError) -> SharedFact? {
    try ledger.database.first(
      "SELECT \(Hosts.sharedColumns) FROM shared WHERE kind = ?1 AND key = ?2", kind.rawValue, key
    ) { Hosts.sharedFact($0) } ?? nil
  }

  private static let sharedColumns = "kind, key, version, content, is_removed"

  private static func sharedFact(_ row: borrowing Statement) -> SharedFact? {
    SharedFact.Kind(rawValue: row.text(0)).map { kind in
      SharedFact(
        kind: kind, key: row.text(1), content: SharedFact.content(ofText: row.text(3)) ?? [:],
        isRemoved: row.integer(4) != 0, version: row.integer(2))
    }
  }

  /// Those of some facts that differ from what the centre has. A fact may name others that come before it.
  private func ordered(_ facts: [SharedFact]) -> [SharedFact] {
    SharedFact.Kind.allCases.flatMap { kind in facts.filter { $0.kind == kind } }
  }

  /// A fact as this host has it, unless the centre has the same.
  private func changed(
    _ kind: SharedFact.Kind, _ key: String, uniqueName: [UInt8]? = nil,
    _ content: [String: String]?
  ) throws(SQLiteError) -> SharedFact? {
    let known = try shared(kind, key)
    var fact = known ?? SharedFact(kind: kind, key: key, content: [:], version: 0)
    let unknown = fact.content.filter { !kind.keys.contains($0.key) }
    fact.isRemoved = content == nil
    fact.uniqueName = uniqueName
    if let content { fact.content = unknown.merging(content) { $1 } }
    let isSame = known.map { $0.content == fact.content && $0.isRemoved == fact.isRemoved }
    return isSame ?? (content == nil) ? nil : fact
  }

  private func plans() throws(SQLiteError) -> [SharedFact] {
    let plans = try ledger.plans.all()
    var facts: [SharedFact] = []
    for plan in plans {
      if let fact = try changed(.plan, plan.name, plan.terms.texts) { facts.append(fact) }
    }
    let known = try ledger.database.query(
      "SELECT key FROM shared WHERE kind = 'plan' AND NOT is_removed"
    ) { $0.text(0) }
    for name in known where !plans.contains(where: { $0.name == name }) {
      if let fact = try changed(.plan, name, nil) { facts.append(fact) }
    }
    return facts
  }

  private func facts(of users: [Int64]) throws(SQLiteError) -> [SharedFact] {
    var facts: [SharedFact] = []
    for id in users {
      guard let (uid, isPresent) = try identity(of: id), isPresent || uid != nil else { continue }
      let key = uid ?? randomDigits()
      guard isPresent, let user = try ledger.users.numbered(id) else {
        if let fact = try changed(.user, key, nil) { facts.append(fact) }
        continue
      }
      let name = ledger.users.key(of: user.name).bytes
      if let fact = try changed(.user, key, uniqueName: name, content(of: user)) {
        facts.append(fact)
      }
      facts += try grants(of: id, key)
    }
    return facts
  }

  /// Of a row of `users`: the uid, and whether it is that of a user who is there.
  package func identity(of user: Int64) throws(SQLiteError) -> (uid: String?, isPresent: Bool)? {
    try ledger.database.first(
      "SELECT uid, \(Users.isPresent) FROM users WHERE id = ?1", user
    ) { ($0.optionalText(0), $0.integer(1) != 0) }
  }

  private func grants(of user: Int64, _ uid: String) throws(SQLiteError) -> [SharedFact] {
    let grants = try ledger.database.query(
      """
      SELECT number, at, bytes, period_start, note, revoked_at FROM grants WHERE user_id = ?1
      ORDER BY number
      """, user
    ) { row in
      var content = ["at": row.text(1), "bytes": row.text(2)]
      content["period_start"] = row.optionalText(3)
      content["note"] = row.optionalText(4)
      content["revoked_at"] = row.optionalText(5)
      return (number: row.integer(0), content: content)
    }
    var facts: [SharedFact] = []
    for grant in grants {
      if let fact = try changed(.grant, "\(uid)/\(grant.number)", grant.content) {
        facts.append(fact)
      }
    }
    return facts
  }

  private func content(of user: UserRecord) -> [String: String] {
    var content = user.own.texts
    content["name"] = Escaping.name(user.name.bytes)
    content["status"] = user.entitlement.isEnabled ? "active" : "disabled"
    content["plan"] = user.plan?.name
    content["began_at"] = user.begunAt.map { String($0) }
    content["reset_at"] = user.row.resetAt.map { String($0) }
    return content
  }

  /// When a user's time began by what this host saw, beside what the centre has of them; nil where it has
  /// the same.
  private func proposal(of id: Int64) throws(SQLiteError) -> SharedFact? {
    guard let user = try ledger.users.numbered(id), let begun = user.begunAt,
      let uid = try identity(of: id)?.uid, var fact = try shared(.user, uid)
    else { return nil }
    if let known = fact.number("began_at"), known <= begun { return nil }
    fact.content["began_at"] = "\(begun)"
    fact.uniqueName = ledger.users.key(of: user.name).bytes
    return fact
  }
}

extension SharedFact {
  /// The number that a key has; nil where it says nothing, or no number.
  func number(_ key: String) -> Int64? { content[key].flatMap { Int64($0) } }
}

extension SharedFact.Kind {
  /// The keys that this version knows.
  var keys: Set<String> {
    switch self {
    case .plan: Set(Terms.columns.names)
    case .user:
      Set(Terms.columns.names + ["name", "status", "plan", "began_at", "reset_at"])
    case .grant: ["at", "bytes", "period_start", "note", "revoked_at"]
    }
  }
}

extension Terms {
  /// What is said, by the columns it is kept in.
  var texts: [String: String] {
    var texts: [String: String] = [:]
    for (name, value) in zip(Terms.columns.names, stored) {
      switch value {
      case let number as Int64: texts[name] = "\(number)"
      case let truth as Bool: texts[name] = truth ? "1" : "0"
      case let text as String: texts[name] = text
      default: break
      }
    }
    return texts
  }
}
