import Quota
import SQLite
import Support

// What this host takes in of users, plans and grants.

extension Hosts {
  /// How many facts are taken in by one transaction.
  private static let batch = 1000

  /// Takes in facts as the centre has them, in a short transaction for each thousand; the version up to
  /// which they are here is noted with them. A user of this host's who was never told to the centre and
  /// has the name of one of the centre's becomes that one.
  ///
  /// - Parameters:
  ///   - facts: all that have a version above `Membership.factsSeen`, up to one version.
  ///   - last: that version, where the last facts may have been left out.
  ///   - time: seconds since 1970 in UTC.
  /// - Returns: what is wrong with facts that make no sense. They are left out, the others are taken in.
  @discardableResult
  package func takeIn(
    _ facts: [SharedFact], upTo last: Int64? = nil, at time: Int64
  ) throws -> [String] {
    let facts = facts.sorted { ($0.place, $0.version) < ($1.place, $1.version) }
    // The least version of those from each place on, and after all.
    let rest = facts.indices.reversed().reduce(into: [Int64.max]) { rest, place in
      rest.append(min(rest[rest.count - 1], facts[place].version))
    }
    var problems: [String] = []
    var waiting: Int64?
    for start in stride(from: 0, to: facts.count, by: Hosts.batch) {
      let end = min(facts.count, start + Hosts.batch)
      try ledger.transaction {
        for fact in facts[start..<end] {
          var isTaken = true
          do { isTaken = try take(fact, at: time) } catch let error as Nonsense {
            problems.append("\(fact.kind.rawValue) \(fact.key): \(error.what)")
          }
          if !isTaken { waiting = min(waiting ?? .max, fact.version) }
        }
        // Those of some versions come yet, or one that waits.
        let next = min(rest[facts.count - end], waiting ?? .max)
        try noteFacts(upTo: min(next - 1, facts.map(\.version).max() ?? 0))
      }
    }
    if let last, waiting == nil { try noteFacts(upTo: last) }
    return problems
  }

  private func noteFacts(upTo version: Int64) throws(SQLiteError) {
    if let membership = try membership(), version > membership.factsSeen {
      try note(["facts": "\(version)"])
    }
  }

  /// Why a fact cannot be taken in.
  private struct Nonsense: Error {
    let what: String
  }

  /// - Returns: whether all of it holds now; what is to begin later waits.
  private func take(_ fact: SharedFact, at time: Int64) throws -> Bool {
    var (isTaken, isDue) = (true, false)
    for key in ["at", "bytes", "period_start", "revoked_at", "began_at", "reset_at"] {
      if let text = fact.content[key], Int64(text) == nil {
        throw Nonsense(what: "\(key) is \(text)")
      }
    }
    switch fact.kind {
    case .plan: try takePlan(fact, at: time)
    case .user: (isTaken, isDue) = try takeUser(fact, at: time)
    case .grant: try takeGrant(fact, at: time)
    }
    guard isTaken else { return false }
    try ledger.database.run(
      """
      INSERT OR REPLACE INTO shared (kind, key, version, content, is_removed, is_due)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      """, fact.kind.rawValue, fact.key, fact.version, fact.contentText, fact.isRemoved, isDue)
    return true
  }

  private func takePlan(_ fact: SharedFact, at time: Int64) throws {
    let known = try ledger.plans.named(fact.key)
    if fact.isRemoved {
      if let known { try ledger.plans.remove(known, at: time) }
      return
    }
    let terms = try terms(of: fact)
    guard var plan = known else { return try ledger.plans.insert(fact.key, terms, at: time) }
    let before = plan.terms
    if terms == before { return }
    plan.terms = terms
    try ledger.plans.settle(plan, since: before, at: time)
  }

  private func takeGrant(_ fact: SharedFact, at time: Int64) throws {
    // Of a user who was removed no grant holds.
    guard let uid = fact.user, let id = try number(of: uid),
      let user = try ledger.users.numbered(id)
    else { return }
    guard let number = Int64(fact.key.dropFirst(uid.utf8.count + 1)), let at = fact.number("at"),
      let bytes = fact.number("bytes"), bytes >= 0
    else { throw Nonsense(what: "no number, time or amount") }
    let isNew =
      try ledger.database.run(
        "DELETE FROM grants WHERE user_id = ?1 AND number = ?2", id, number) == 0
    let revokedAt = fact.number("revoked_at")
    try ledger.database.run(
      "INSERT INTO grants VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", id, number, at, bytes,
      fact.number("period_start"), fact.content["note"] ?? "", revokedAt)
    try ledger.periods.rollOver(user.row, to: time)
    if !isNew && revokedAt == nil { return }
    try ledger.events.record(
      Event(
        at: time, user: user.name, kind: revokedAt == nil ? .granted : .revoked,
        detail: "\(number): \(bytes) bytes"))
  }

  // MARK: Users

  /// - Returns: whether all of it holds now, and whether this host saw their time begin while the centre
  ///   does not know.
  private func takeUser(
    _ fact: SharedFact, at time: Int64
  ) throws -> (isTaken: Bool, isDue: Bool) {
    if fact.isRemoved {
      guard let id = try number(of: fact.key), let user = try ledger.users.numbered(id) else {
        return (true, false)
      }
      try remove(user, "by an administrator", at: time)
      return (true, false)
    }
    let own = try terms(of: fact)
    let plan = try fact.content["plan"].map { name in
      guard let plan = try ledger.plans.named(name) else {
        throw Nonsense(what: "there is no plan \(name)")
      }
      return plan
    }
    var user = try user(of: fact, at: time)
    _ = try ledger.users.setEnabled(
      fact.content["status"] ?? "active" == "active", &user, at: time)
    let isTaken = try startOver(&user, at: fact.number("reset_at"), toldAt: time)
    let before = user
    user.own = own
    user.plan = plan
    let began = fact.number("began_at")
    user.begunAt = began
    let isSameTime = own.lifetime == before.own.lifetime && plan?.id == before.plan?.id
    if isSameTime, let seen = before.begunAt, try isDue(fact) {
      user.begunAt = min(seen, began ?? seen)
    }
    if own != before.own || plan?.id != before.plan?.id || user.begunAt != before.begunAt {
      try ledger.users.settle(&user, since: before, at: time)
    }
    return (isTaken, user.begunAt != began)
  }

  private func isDue(_ fact: SharedFact) throws(SQLiteError) -> Bool {
    try ledger.database.exists(
      "SELECT 1 FROM shared WHERE kind = 'user' AND key = ?1 AND is_due", fact.key)
  }

  /// The user whom a fact is about, under the name that they have by it: the one with that uid, else the
  /// one of that name whom the centre was never told of, else a new one.
  private func user(of fact: SharedFact, at time: Int64) throws -> UserRecord {
    let name = UserName(bytes: Escaping.bytes(ofName: Array((fact.content["name"] ?? "").utf8)))
    if name.bytes.isEmpty || name.bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      throw Nonsense(what: "no name")
    }
    let known = try number(of: fact.key)
    let id = try known ?? adopted(name, as: fact.key, at: time)
    guard var user = try ledger.users.numbered(id) else {
      throw Nonsense(what: "was removed before")
    }
    if user.name != name {
      try free(name, for: id, at: time)
      try ledger.users.rename(id, from: user.name, to: name, at: time)
      user = try ledger.users.numbered(id) ?? user
    }
    return try ledger.users.withQuotaRow(user)
  }

  /// Gives a uid to the user of a name whom the centre was never told of, or to a new one. What the centre
  /// has of grants holds.
  private func adopted(_ name: UserName, as uid: String, at time: Int64) throws -> Int64 {
    var id = try ledger.users.id(of: name)
    if let known = id, try identity(of: known)?.uid != nil {
      try free(name, for: nil, at: time)
      id = nil
    }
    let user =
      try id ?? ledger.users.insert(name, Terms(), nil, "on another host", at: time).number
    try ledger.database.run("UPDATE users SET uid = ?2 WHERE id = ?1", user, uid)
    let dropped = try ledger.database.run("DELETE FROM grants WHERE user_id = ?1", user)
    if dropped > 0, let record = try ledger.users.numbered(user) {
      try ledger.periods.rollOver(record.row, to: time)
    }
    return user
  }

  /// Takes a name from another user who has it. One whom the centre knows has another name by now, which
  /// comes with a later fact; one whom it does not know was seen under a name that is another user's.
  private func free(_ name: UserName, for user: Int64?, at time: Int64) throws {
    guard let other = try ledger.users.id(of: name), other != user,
      let record = try ledger.users.numbered(other)
    else { return }
    guard let uid = try identity(of: other)?.uid else {
      return try remove(record, "the name is another host's user's", at: time)
    }
    // No client can have such a name.
    let kept = UserName(bytes: name.bytes + [FormerName.mark] + Array(uid.utf8))
    try ledger.users.setName(of: other, to: kept, at: time)
  }

  private func remove(_ user: UserRecord, _ detail: String, at time: Int64) throws {
    try ledger.users.retire(user.row, called: user.name, at: time)
    try ledger.events.record(Event(at: time, user: user.name, kind: .removed, detail: detail))
  }

  /// Lets a user's usage start over where an administrator let it on another host: from that second on.
  /// What was counted here until now stays before it.
  ///
  /// - Returns: whether that second has come, by this host's clock.
  private func startOver(
    _ user: inout UserRecord, at resetAt: Int64?, toldAt time: Int64
  ) throws(SQLiteError) -> Bool {
    if resetAt == user.row.resetAt { return true }
    if let resetAt, resetAt > time { return false }
    user.row = try ledger.periods.rolledOver(user.row, to: time)
    if let resetAt, resetAt > user.entitlement.span.start {
      try ledger.users.startOver(&user, at: resetAt, toldAt: time)
    } else {
      user.row.resetAt = resetAt
      user.row = try ledger.periods.startedPeriod(of: user.row, at: time) {
        id, start throws(SQLiteError) in
        try ledger.usage.sum(of: id, since: start)
      }
    }
    try ledger.periods.store(user.row)
    return true
  }

  /// The terms of a user or a plan.
  private func terms(of fact: SharedFact) throws -> Terms {
    let names = Terms.columns.names
    for (key, text) in fact.content where names.contains(key) {
      if !Terms.isValid(text, for: key) { throw Nonsense(what: "\(key) is \(text)") }
    }
    var row = try ledger.database.prepare("SELECT \(Terms.columns.parameters)")
    row.bind(names.map { fact.content[$0] })
    return try row.step() ? Terms(row, at: 0) : Terms()
  }
}

extension SharedFact {
  /// A fact comes behind those that it names, which may have changed later, and the removal of a plan behind
  /// whom followed it.
  fileprivate var place: Int {
    switch kind {
    case .plan: isRemoved ? 3 : 0
    case .user: 1
    case .grant: 2
    }
  }
}
