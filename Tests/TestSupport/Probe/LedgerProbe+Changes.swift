import Glibc
import SQLite
import System

// What tests change in a ledger by hand, for no program does it: to make time pass, to have a past,
// or to break something.
extension LedgerProbe {
  func change(_ statements: String) throws {
    try Connection(path, busyTimeout: 5000).execute(statements)
  }

  /// Runs a statement with values for `?1`, `?2` and so on.
  private func change(_ statement: String, _ values: any Bindable...) throws {
    let database = try Connection(path, busyTimeout: 5000)
    var statement = try database.prepare(statement)
    statement.bind(values)
    try statement.run()
  }

  /// Has every tenth user use more, without any session.
  ///
  /// - Parameter place: which of ten.
  package func raiseUsage(ofTenth place: Int, by bytes: Int64) throws {
    try change(
      """
      UPDATE user_quotas SET bytes_received = bytes_received + ?1, bytes_used = bytes_used + ?1
        WHERE user_id % 10 = ?2
      """, bytes, Int64(place))
    try change(
      """
      INSERT INTO usage SELECT ?3, user_id, ?1, 0 FROM user_quotas WHERE user_id % 10 = ?2
        ON CONFLICT DO UPDATE SET bytes_received = bytes_received + ?1
      """, bytes, Int64(place), Clock.now / 3600 * 3600)
  }

  /// Makes every kill so far older, as if the next sweep came 11 seconds later.
  package func ageKills() throws {
    try change("UPDATE sessions SET killed_at = killed_at - 11")
  }

  /// Says when the last sweep ended, and servers last gave a whole listing, in seconds since 1970.
  package func setLastSweep(_ time: Int64, listed: [String: Int64]) throws {
    _ = unsafe unlink(path.dropLast("quota.db".count) + "heard")
    try change("REPLACE INTO meta VALUES ('swept_at', ?1)", "\(time)")
    for (server, time) in listed {
      try change("UPDATE servers SET listed_at = ?2 WHERE name = ?1", server, time)
    }
  }

  /// Forgets how far the journal was taken in.
  package func forgetJournalPosition() throws {
    try change("DELETE FROM meta WHERE name = 'journal'")
  }

  /// Says that the tables are of another version.
  package func setSchemaVersion(_ version: Int64) throws {
    try change("PRAGMA user_version = \(version)")
  }
}

// MARK: A past

extension LedgerProbe {
  /// Adds a user as an administrator would have in the past.
  ///
  /// - Parameter createdAt: in UTC, as `2026-11-23 12:00:00`.
  package func addUser(
    _ name: String, status: String = "active", createdAt: String, quota: Int64 = 0
  ) throws {
    try change(
      "INSERT INTO users (username, status, created_at) VALUES (?1, ?2, ?3)", name, status,
      createdAt)
    try change(
      """
      INSERT INTO user_quotas (user_id, quota, quota_bytes)
      SELECT id, ?2, ?2 FROM users WHERE username = ?1
      """, name, quota)
  }

  /// Has a user have used something in the present period, which never ends.
  package func addUsage(_ usage: Usage, of name: String) throws {
    try change(
      """
      UPDATE user_quotas SET bytes_used = bytes_used + ?2 + ?3,
        bytes_received = bytes_received + ?2, bytes_sent = bytes_sent + ?3
      WHERE user_id = (SELECT id FROM users WHERE username = ?1)
      """, name, usage.received, usage.sent)
  }

  /// Puts usage into a day of a user's history, and nowhere else.
  ///
  /// - Parameter day: in the configured zone, as 2026-11-23; 0001-01-01 stands for the day before
  ///   every ledger.
  package func addHistory(_ usage: Usage, of name: String, on day: String) throws {
    try change(
      """
      INSERT INTO usage (user_id, start, bytes_received, bytes_sent)
      SELECT id, unixepoch(?2, iif(?2 = '0001-01-01', '0 hours', '12 hours')), ?3, ?4
      FROM users WHERE username = ?1
      """, name, day, usage.received, usage.sent)
  }

  /// Puts usage into one of the last days of a user's history; zone UTC.
  package func addHistory(_ usage: Usage, of name: String, daysAgo days: Int64) throws {
    try change(
      """
      INSERT INTO usage (user_id, start, bytes_received, bytes_sent)
      SELECT id, unixepoch('now', 'start of day', -?2 || ' days'), ?3, ?4
      FROM users WHERE username = ?1
      """, name, days, usage.received, usage.sent)
  }

  /// Puts usage into an hour of a user's history, and nowhere else.
  ///
  /// - Parameter hour: its beginning, in seconds since 1970.
  package func addHistory(_ usage: Usage, of name: String, inHour hour: Int64) throws {
    try change(
      """
      INSERT INTO usage (user_id, start, bytes_received, bytes_sent)
      SELECT id, ?2, ?3, ?4 FROM users WHERE username = ?1
      """, name, hour, usage.received, usage.sent)
  }

  /// Adds a session of a user, without counting it anywhere else.
  package func add(_ session: Session) throws {
    let server = session.server ?? ""
    try change("INSERT OR IGNORE INTO servers (name) VALUES (?1)", server)
    try change(
      """
      INSERT OR IGNORE INTO processes (server_id, boot, pid, started)
      SELECT id, 0, ?2, 0 FROM servers WHERE name = ?1
      """, server, session.pid)
    try change(
      """
      INSERT INTO sessions (process_id, user_id, owner, connected_since, ipv4, client, opened_at,
        ended_at, ended_by, kills, killed_at)
      SELECT (SELECT processes.id FROM processes JOIN servers ON servers.id = server_id
          WHERE name = ?2 AND processes.pid = ?3),
        id, ?4, ?5, ?6, ?7, ?5, ?8, ?9, ?10, ?11
      FROM users WHERE username = ?1
      """, session.user, server, session.pid, session.owner, session.connectedSince,
      Blob(InternetAddress.read(session.address)),
      Blob(session.realAddress.map(InternetAddress.readWithPort) ?? []),
      session.endedAt, session.endedBy, session.kills, session.killedAt)
    try change(
      "INSERT INTO counters SELECT max(id), ?1, ?2 FROM sessions", session.usage.received,
      session.usage.sent)
    guard let end = session.endedAt else { return }
    try change(
      """
      INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp,
        connected_since, server_id, virtual, real, ended_by)
      SELECT user_id, bytes_sent, bytes_received, datetime(?1, 'unixepoch'), connected_since,
        server_id, ipv4, client, ended_by
      FROM sessions JOIN counters ON session_id = sessions.id
        JOIN processes ON processes.id = process_id
      WHERE sessions.id = (SELECT max(id) FROM sessions)
      """, end)
    try change(
      """
      UPDATE sessions SET log_id = (SELECT max(id) FROM traffic_logs)
      WHERE id = (SELECT max(id) FROM sessions)
      """)
  }

  /// Adds a row to the log of ended sessions as the earlier project wrote them, of one byte in each
  /// direction.
  ///
  /// - Parameter time: what it has for the time; nil for none.
  package func addLoggedSession(of name: String, at time: String?) throws {
    try change(
      """
      INSERT INTO traffic_logs (user_id, bytes_sent, bytes_received, log_timestamp)
      SELECT id, 1, 1, ?2 FROM users WHERE username = ?1
      """, name, time)
  }

  /// Has a user's present period begin at a moment.
  package func setPeriodStart(of name: String, _ start: Int64) throws {
    try change(
      """
      UPDATE user_quotas SET period_start = ?2
      WHERE user_id = (SELECT id FROM users WHERE username = ?1)
      """, name, start)
  }

  /// Adds a period in which a user moved one byte in each direction.
  ///
  /// - Parameter carried: what it took from carried grants, in bytes.
  package func addPeriod(
    of name: String, from start: Int64, to end: Int64, carried: Int64
  ) throws {
    try change(
      """
      INSERT INTO periods (user_id, period_start, bytes_received, bytes_sent, period_end, carried)
      SELECT id, ?2, 1, 1, ?3, ?4 FROM users WHERE username = ?1
      """, name, start, end, carried)
  }

  /// Adds a notice that a quota is nearly used up.
  ///
  /// - Parameter settled: when it was delivered; nil for one that waits.
  package func addNotice(to name: String, periodStart: Int64, settled: Int64?) throws {
    try change(
      """
      INSERT INTO events (at, last_at, username, kind, detail, period_start, tries, settled_at)
      VALUES (1, 1, ?1, 'usage', '80', ?2, 1, ?3)
      """, name, periodStart, settled)
  }

  package func add(_ event: Event) throws {
    try change(
      "INSERT INTO events (at, username, kind, detail, count, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
      event.at, event.user, event.kind, event.detail, event.count, event.lastAt)
  }

  /// Adds events of long ago, one a second from 1970 on, of names in turn.
  package func addOldEvents(_ count: Int, of names: [String] = ["user1"]) throws {
    let database = try Connection(path, busyTimeout: 5000)
    try database.transaction { () throws(SQLiteError) in
      var row = try database.prepare(
        "INSERT INTO events (at, username, kind, detail, last_at) VALUES (?1, ?2, 'created', '', ?1)"
      )
      for number in 1...count {
        row.bind(1, Int64(number))
        row.bind(2, names[number % names.count])
        try row.run()
      }
    }
  }

  /// Says that a user was added so many days ago.
  package func setCreated(_ name: String, daysAgo days: Int64) throws {
    try change(
      "UPDATE users SET created_at = datetime('now', -?2 || ' days') WHERE username = ?1", name,
      days)
  }

  /// Sets when a user was added, in UTC, as `2026-11-23 12:00:00`; nil for a row that does not say.
  package func setCreated(_ name: String, _ time: String?) throws {
    try change("UPDATE users SET created_at = ?2 WHERE username = ?1", name, time)
  }

  /// Has a user's time run out at a moment.
  package func setExpiry(of name: String, _ time: Int64) throws {
    try change(
      """
      UPDATE user_quotas SET expires_at = ?2, from_first = 0
      WHERE user_id = (SELECT id FROM users WHERE username = ?1)
      """, name, time)
  }
}

// MARK: Damage

extension LedgerProbe {
  /// Gives a user a name that nobody can have.
  package func setName(of name: String, to newName: String) throws {
    try change("UPDATE users SET username = ?2 WHERE username = ?1", name, newName)
  }

  /// Gives a user another word for a status, or none.
  package func setStatus(of name: String, _ status: String?) throws {
    try change("UPDATE users SET status = ?2 WHERE username = ?1", name, status)
  }

  /// Takes the row with the quota from a user.
  package func removeQuota(of name: String) throws {
    try change(
      "DELETE FROM user_quotas WHERE user_id = (SELECT id FROM users WHERE username = ?1)", name)
  }

  /// Adds a user who has no row with a quota.
  package func addUserWithoutQuota(_ name: String) throws {
    try change("INSERT INTO users (username) VALUES (?1)", name)
  }

  /// Has all sessions come from somewhere else.
  package func setRealAddresses(to address: String) throws {
    try change(
      "UPDATE sessions SET real = ?1", Blob(InternetAddress.readWithPort(address)))
  }

  /// Has all sessions be on a server of another name.
  package func setServers(to name: String) throws {
    try change("UPDATE OR IGNORE servers SET name = ?1", name)
  }

  /// Raises what all sessions sent.
  package func setSessionsSent(_ bytes: Int64) throws {
    try change("UPDATE counters SET bytes_sent = ?1", bytes)
    try change("UPDATE traffic_logs SET bytes_sent = ?1 WHERE connected_since IS NOT NULL", bytes)
  }

  /// Sets what is kept of days of UTC that are there.
  ///
  /// - Parameter day: nil for all of them.
  package func setHistory(_ usage: Usage, on day: String? = nil) throws {
    try change(
      """
      UPDATE usage SET bytes_received = ?1, bytes_sent = ?2
      WHERE date(start, 'unixepoch') = ?3 OR ?3 IS NULL
      """, usage.received, usage.sent, day)
  }

  /// Forgets all days and sessions.
  package func clearHistory() throws {
    try change("DELETE FROM usage; DELETE FROM sessions; DELETE FROM traffic_logs")
  }

  /// Makes all figures as wide as they can be: quotas of 0, 1 and 2 bytes, and counts and usage
  /// that nobody will ever see.
  package func widenFigures() throws {
    try setHistory(Usage(received: 1 << 50, sent: 1 << 50))
    try change(
      """
      UPDATE user_quotas SET quota = user_id % 3, quota_bytes = user_id % 3, bytes_used = 1 << 56,
        bytes_sent = 1 << 55, bytes_received = 1 << 55;
      UPDATE events SET count = \(Int64.max);
      """)
  }

  /// Gives the database a table that we do not know, with a row of the first user.
  package func addForeignTable(_ name: String) throws {
    try change("CREATE TABLE \(name) (user_id INTEGER); INSERT INTO \(name) VALUES (1)")
  }

  /// How many rows a table has that we do not know.
  package func count(ofForeignTable name: String) throws -> Int64 {
    try open().integer("SELECT count(*) FROM \(name)")
  }
}

extension [UInt8]: Bindable {
  package func bind(to statement: inout Statement, _ parameter: Int32) {
    statement.bind(parameter, blob: self)
  }
}
