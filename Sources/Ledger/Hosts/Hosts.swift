import Quota
import SQLite

/// This host as one of several that share users: what it tells the centre and what it takes in from it.
/// `quota-sync` carries it; nothing here waits for a network.
package struct Hosts {
  let ledger: Ledger
}

// MARK: Membership

extension Hosts {
  /// Whether this host is one of several.
  func isJoined() throws(SQLiteError) -> Bool {
    if let known = ledger.isJoined { return known }
    let isJoined = try ledger.meta("sync.host") != nil
    ledger.isJoined = isJoined
    return isJoined
  }

  /// Nil for a host that is by itself.
  package func membership() throws(SQLiteError) -> Membership? {
    let rows = try ledger.database.query(
      "SELECT substr(name, 6), value FROM meta WHERE name >= 'sync.' AND name < 'sync/'"
    ) { ($0.text(0), $0.text(1)) }
    return Membership(Dictionary(uniqueKeysWithValues: rows))
  }

  /// Makes this host one of several.
  ///
  /// - Parameters:
  ///   - host: what it is called in the centre.
  ///   - id: 32 random hexadecimal digits, for a ledger that never had any.
  package func join(as host: String, id: String) throws {
    try ledger.transaction {
      try ledger.database.execute(Schema.hostIndexes)
      // Those who were removed before have days, and no other fact is told of them.
      try ledger.database.run(
        "UPDATE users SET uid = lower(hex(randomblob(16))) WHERE uid IS NULL AND status = 'removed'"
      )
      let id = try ledger.meta("sync.id") ?? id
      try note(["host": host, "id": id, "token": randomDigits(), "former": "", "facts": "0"])
    }
    ledger.isJoined = true
  }

  /// Makes this host one by itself again. Users, terms, grants and its own usage stay, and the id by which
  /// a centre that it told of that knows it.
  package func leave() throws {
    try ledger.transaction {
      try ledger.database.execute(
        """
        \(Schema.withoutHostIndexes); DELETE FROM shared; DELETE FROM pushed; DELETE FROM late_days;
        DELETE FROM meta WHERE name >= 'sync.' AND name < 'sync/' AND name <> 'sync.id';
        UPDATE users SET uid = NULL WHERE uid IS NOT NULL AND \(Users.isPresent);
        """)
      let users = try ledger.database.query("SELECT elsewhere_user FROM elsewhere") {
        $0.integer(0)
      }
      try ledger.database.execute("DELETE FROM elsewhere")
      for user in users {
        if let row = try ledger.periods.entitlementRow(of: user), row.quotaRow != nil {
          try ledger.periods.store(row)
        }
      }
    }
    ledger.isJoined = false
  }

  /// Draws another token, and keeps the present one beside it until `noteToken`. To be committed before
  /// the centre is told. Never the same one twice: a backup may have it.
  package func drawToken() throws(SQLiteError) -> Membership? {
    try ledger.database.transaction { () throws(SQLiteError) in
      guard let before = try membership() else { return nil }
      let former = before.formerTokens.suffix(50) + [before.token]
      try note(["token": randomDigits(), "former": former.joined(separator: " ")])
      return try membership()
    }
  }

  /// Notes that the centre has the token that was drawn last.
  package func noteToken() throws(SQLiteError) { try note(["former": ""]) }

  /// Forgets what the centre is known to have, and what of it was taken in: after one of the two was
  /// restored from a backup. Uids stay, and what the centre said, for it may have lost it. Of periods that
  /// are over the last of each user is told anew, and what was not told yet.
  package func startOver() throws(SQLiteError) {
    try ledger.database.transaction { () throws(SQLiteError) in
      try ledger.database.execute(
        """
        UPDATE pushed SET received = NULL, sent = NULL, sessions = NULL;
        INSERT OR IGNORE INTO pushed (user_id, period_start)
          SELECT user_id, max(period_start) FROM periods GROUP BY user_id;
        DELETE FROM meta WHERE name >= 'sync.seen.' AND name < 'sync.seen/';
        DELETE FROM meta WHERE name = 'sync.history'; DELETE FROM late_days;
        """)
      try note(["facts": "0"])
    }
  }

  /// Notes which centre is told from now on. What another one said is forgotten.
  package func noteCentre(_ identity: String) throws {
    guard let centre = try membership()?.centre, centre != identity else { return }
    if !centre.isEmpty {
      try startOver()
      try ledger.database.execute("DELETE FROM shared")
    }
    try note(["centre": identity])
  }

  /// Notes what a restored centre was given back: all facts are to be read, and then it is known.
  package func readAnew() throws(SQLiteError) { try note(["facts": "0"]) }
  package func noteEpoch(_ epoch: Int64) throws(SQLiteError) { try note(["epoch": "\(epoch)"]) }

  /// Notes that all that the centre had to tell is taken in.
  ///
  /// - Parameters:
  ///   - usageSeen: the versions of the other hosts' usage that were taken in.
  ///   - hosts: how many hosts there are, this one included.
  ///   - time: seconds since 1970 in UTC.
  package func noteHeard(usageSeen: [String: Int64], hosts: Int64, at time: Int64) throws {
    try ledger.database.transaction(failing: { $0 as any Error }) {
      try note(["hosts": "\(hosts)", "heard": "\(time)"])
      let known = try membership()?.usageSeen ?? [:]
      for (host, version) in usageSeen where known[host] != version {
        try note(["seen.\(host)": "\(version)"])
      }
    }
    try ledger.noteStaleness(for: .writing, at: time)
  }

  func note(_ values: [String: String]) throws(SQLiteError) {
    for (name, value) in values { try ledger.setMeta("sync.\(name)", value) }
  }
}

extension Membership {
  /// Reads what `Hosts` notes in `meta`; nil where there is none.
  fileprivate init?(_ values: [String: String]) {
    guard let host = values["host"], let id = values["id"] else { return nil }
    func number(_ name: String) -> Int64? { values[name].flatMap { Int64($0) } }
    self.host = host
    self.id = id
    token = values["token"] ?? ""
    formerTokens = values["former"]?.split(separator: " ").map(String.init) ?? []
    centre = values["centre"] ?? ""
    epoch = number("epoch") ?? 0
    factsSeen = number("facts") ?? 0
    var seen: [String: Int64] = [:]
    for (name, value) in values where name.hasPrefix("seen.") {
      seen[String(name.dropFirst(5))] = Int64(value)
    }
    usageSeen = seen
    heardAt = number("heard")
    hosts = number("hosts") ?? 1
    toldDay = number("day").map { Day(number: $0) }
    history = number("history").map { Day(number: $0) }
  }
}

/// 128 random bits as 32 hexadecimal digits.
package func randomDigits() -> String {
  let digits = (0..<2).map { _ in
    let half = String(UInt64.random(in: 0 ... .max), radix: 16)
    return String(repeating: "0", count: 16 - half.count) + half
  }
  return digits.joined()
}

// MARK: Usage

extension Hosts {
  /// Notes that a period that is over, or ends now, is other than the centre may have it.
  func noteChange(ofPeriod start: Int64, of user: Int64) throws(SQLiteError) {
    guard try isJoined() else { return }
    try ledger.database.run(
      "INSERT OR IGNORE INTO pushed (user_id, period_start) VALUES (?1, ?2)", user, start)
  }

  /// Holds where a row of `pushed` is not of the user's present period.
  private static let isOver =
    """
    NOT EXISTS (SELECT 1 FROM user_quotas WHERE user_quotas.user_id = pushed.user_id
      AND user_quotas.period_start = pushed.period_start)
    """

  /// Usage of present periods that the centre does not have so, and of those that are over.
  private static let presentUsage =
    """
    WITH own AS (
      SELECT users.id, uid, period_start, bytes_received, bytes_sent,
        (SELECT count(*) \(UserRecord.openSessions("users.id"))) AS live
      FROM users JOIN user_quotas ON user_id = users.id WHERE uid IS NOT NULL)
    SELECT uid, own.period_start, bytes_received, bytes_sent, live
    FROM own LEFT JOIN pushed ON user_id = id AND pushed.period_start = own.period_start
    WHERE iif(user_id IS NULL, bytes_received > 0 OR bytes_sent > 0 OR live > 0,
      received IS NOT bytes_received OR sent IS NOT bytes_sent OR sessions IS NOT live)
    """
  private static let pastUsage =
    """
    SELECT uid, pushed.period_start, coalesce(bytes_received, 0) AS own_received,
      coalesce(bytes_sent, 0) AS own_sent, 0
    FROM pushed JOIN users ON users.id = pushed.user_id
      LEFT JOIN periods ON periods.user_id = pushed.user_id
        AND periods.period_start = pushed.period_start
    WHERE uid IS NOT NULL AND \(Hosts.isOver)
      AND (received IS NOT own_received OR sent IS NOT own_sent OR sessions IS NOT 0)
    """

  /// How many rows of usage the centre does not have as they are.
  func waitingUsage() throws(SQLiteError) -> Int64 {
    try ledger.database.integer("SELECT count(*) FROM (\(Hosts.presentUsage))")
      + ledger.database.integer("SELECT count(*) FROM (\(Hosts.pastUsage))")
  }

  /// This host's usage as far as it is other than what the centre is known to have: at most so many
  /// periods. Live sessions are in the period of that time, though they moved nothing in it yet.
  package func ownUsage(limit: Int, at time: Int64) throws(SQLiteError) -> [OwnUsage] {
    try ledger.periods.rollOver(at: time)
    func read(_ sql: String) throws(SQLiteError) -> [OwnUsage] {
      try ledger.database.query("\(sql) LIMIT ?1", Int64(limit)) { row in
        OwnUsage(
          user: row.text(0), periodStart: row.integer(1), traffic: row.traffic(2),
          sessions: row.integer(4))
      }
    }
    let present = try read(Hosts.presentUsage)
    if present.count >= limit { return present }
    let over = try read(Hosts.pastUsage)
    return present + over.prefix(limit - present.count)
  }

  /// Notes that the centre may have this from now on, and not what it had before, though no answer comes.
  /// Traffic only grows and is told anew by itself, but sessions that end can be as many as before.
  package func noteTelling(_ usage: [OwnUsage]) throws(SQLiteError) {
    try ledger.database.transaction { () throws(SQLiteError) in
      var mark = try ledger.database.prepare(
        """
        INSERT INTO pushed (user_id, period_start)
        SELECT users.id, ?2 FROM users LEFT JOIN pushed ON user_id = users.id AND period_start = ?2
        WHERE uid = ?1 AND coalesce(received, 0) = ?3 AND coalesce(sent, 0) = ?4
        ON CONFLICT DO UPDATE SET sessions = NULL
        """)
      for own in usage {
        try mark.run(own.user, own.periodStart, own.traffic.received, own.traffic.sent)
      }
    }
  }

  /// Notes that the centre has this.
  package func notePushed(_ usage: [OwnUsage]) throws(SQLiteError) {
    try ledger.database.transaction { () throws(SQLiteError) in
      var note = try ledger.database.prepare(
        """
        INSERT INTO pushed SELECT id, ?2, ?3, ?4, ?5 FROM users WHERE uid = ?1
        ON CONFLICT DO UPDATE SET received = ?3, sent = ?4, sessions = ?5
        """)
      var isShared = false
      // What is over changes no more, as a rule.
      var forget = try ledger.database.prepare(
        """
        DELETE FROM pushed WHERE user_id = (SELECT id FROM users WHERE uid = ?1)
          AND period_start = ?2 AND \(Hosts.isOver)
          AND (?3, ?4) = (SELECT coalesce(sum(bytes_received), 0), coalesce(sum(bytes_sent), 0)
            FROM periods WHERE user_id = pushed.user_id AND period_start = ?2)
        """)
      for own in usage {
        try note.run(
          own.user, own.periodStart, own.traffic.received, own.traffic.sent, own.sessions)
        // What the fence may let them have here follows from what was told.
        if ledger.rules.fence, !isShared {
          isShared = try ledger.database.exists(
            """
            SELECT 1 FROM elsewhere JOIN users ON users.id = elsewhere_user
            WHERE uid = ?1 AND elsewhere_hosts > 0
            """, own.user)
        }
        try forget.run(own.user, own.periodStart, own.traffic.received, own.traffic.sent)
      }
      if isShared { try ledger.accessTable.noteChange() }
    }
  }

  /// Raises this host's usage to what the centre has of it, after an older backup was restored.
  /// Its days were taken in before.
  package func takeOwn(_ usage: [OwnUsage], at time: Int64) throws {
    try ledger.transaction {
      var history = try UsageWriter(ledger.database, zone: ledger.zone)
      for own in usage {
        guard let user = try number(of: own.user) else { continue }
        // Those are over, or are told anew.
        if own.sessions > 0 { try noteChange(ofPeriod: own.periodStart, of: user) }
        guard var row = try ledger.periods.entitlementRow(of: user) else { continue }
        if own.periodStart == row.entitlement.span.start, row.quotaRow != nil {
          let increase = own.traffic.increase(over: row.entitlement.used)
          if increase.isZero { continue }
          row.entitlement.used += increase
          try ledger.notices.noteUsage(&row, at: time)
          try ledger.periods.store(row)
          let unknown = try ledger.hosts.unknownToHistory(row)
          let rest = Traffic(
            received: min(increase.received, unknown.received),
            sent: min(increase.sent, unknown.sent))
          try history.add(rest, to: user, at: time, resetAt: row.resetAt)
        } else {
          try ledger.database.run(
            """
            INSERT INTO periods (user_id, period_start, bytes_received, bytes_sent)
            VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET
              bytes_received = max(bytes_received, ?3), bytes_sent = max(bytes_sent, ?4)
            """, user, own.periodStart, own.traffic.received, own.traffic.sent)
        }
      }
    }
  }

  /// The present periods of users, and of those besides whose period has turned since the other hosts'
  /// usage was last noted.
  ///
  /// - Parameter isAnew: whether all are wanted of whom any was noted: the centre may have lost it.
  package func wantedPeriods(
    of users: [String], isAnew: Bool = false, at time: Int64
  ) throws(SQLiteError) -> [(user: String, periodStart: Int64)] {
    var wanted: [Int64: String] = [:]
    for user in users {
      if let number = try number(of: user) { wanted[number] = user }
    }
    try ledger.database.query(
      """
      SELECT users.id, uid FROM elsewhere JOIN user_quotas ON user_id = elsewhere_user
        JOIN users ON users.id = user_id
      WHERE (?1 OR elsewhere_start <> period_start) AND uid IS NOT NULL
      """, isAnew
    ) { wanted[$0.integer(0)] = $0.text(1) }
    var periods: [(user: String, periodStart: Int64)] = []
    var rows = try EntitlementRows(ledger)
    try rows.forEach(of: wanted.keys.sorted()) { row, _ in
      let period = CurrentPeriod(row.periodRule, resetAt: row.resetAt, at: time, in: ledger.zone)
      periods.append((wanted[row.user] ?? "", period.span.start))
    }
    return periods
  }

  /// Notes what users used elsewhere, one entry for each period that was wanted (zeros where no other host
  /// has any usage).
  ///
  /// - Parameter usage: by the users' uids.
  package func noteElsewhere(
    _ usage: [(user: String, ElsewhereUsage)], at time: Int64
  ) throws {
    for start in stride(from: 0, to: usage.count, by: 1000) {
      try ledger.transaction {
        for (uid, news) in usage[start..<min(usage.count, start + 1000)] {
          guard let user = try number(of: uid),
            var row = try ledger.periods.entitlementRow(of: user), row.quotaRow != nil
          else { continue }
          if row.elsewhere == news { continue }
          // A period that is over ends with what is known of it, before that goes.
          if !row.entitlement.span.contains(time) {
            row = try ledger.periods.rolledOver(row, to: time)
          }
          row.elsewhere = news
          row.entitlement.elsewhere = row.used(elsewhereSince: row.entitlement.span.start)
          try ledger.notices.noteUsage(&row, at: time)
          try ledger.periods.store(row)
          try ledger.database.run(
            """
            INSERT OR REPLACE INTO elsewhere (elsewhere_user, elsewhere_start, elsewhere_received,
              elsewhere_sent, elsewhere_sessions, elsewhere_hosts) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """, user, news.periodStart, news.traffic.received, news.traffic.sent,
            news.sessions, news.hosts)
        }
      }
    }
  }

  /// The number of a user by their uid; nil where there is none of it.
  package func number(of uid: String) throws(SQLiteError) -> Int64? {
    try ledger.database.first("SELECT id FROM users WHERE uid = ?1", uid) { $0.integer(0) }
  }
}
