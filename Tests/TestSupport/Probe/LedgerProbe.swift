import Quota
import SQLite
import System

/// What tests ask a ledger. With its extensions in this folder it is the only piece of the tests
/// that knows the tables.
package struct LedgerProbe: Sendable {
  /// The path of the database.
  package let path: String

  package init(_ path: String) { self.path = path }

  /// The version of the tables.
  package var schemaVersion: Int64 {
    get throws { try open().integer("PRAGMA user_version") }
  }

  /// The name of a row's user, or #7 for the row of a user who is not there.
  private static let owner = "coalesce(username, '#' || user_id)"

  /// The bytes of a page of the file.
  package var pageSize: Int64 { get throws { try open().integer("PRAGMA page_size") } }

  /// A connection that changes nothing, but takes back what a program that died has left half done.
  func open() throws -> Connection {
    let database = try Connection(path, busyTimeout: 5000)
    try database.execute("PRAGMA query_only = ON")
    return database
  }

  /// Makes a value of each row of a query.
  func rows<Row>(
    _ query: String, _ row: (borrowing Statement) throws -> Row
  ) throws -> [Row] {
    let database = try open()
    var statement = try database.prepare(query)
    var rows: [Row] = []
    while try statement.step() { rows.append(try row(statement)) }
    return rows
  }
}

// MARK: Users

extension LedgerProbe {
  /// A user's row, one that was removed included.
  package struct User: Equatable, Sendable {
    package let id: Int64
    /// One that was removed has the moment behind the name, after a byte of value 1.
    package let name: String
    package let nameBytes: [UInt8]
    package let status: String?
    package let passwordHash: String?
    package let createdAt: String?
    /// Nil where there is no row for it, which is a fault.
    package let quota: Int64?
    /// What the present period counts, in bytes.
    package let bytesUsed: Int64

    /// Whether an administrator lets them in.
    package var isEnabled: Bool { status == "active" }
  }

  /// All users, by name.
  package var users: [User] {
    get throws {
      try rows(
        """
        SELECT users.id, username, status, password_hash, created_at, quota_bytes, bytes_used
        FROM users LEFT JOIN user_quotas ON user_quotas.user_id = users.id ORDER BY username
        """
      ) {
        User(
          id: $0.integer(0), name: $0.text(1), nameBytes: $0.bytes(1), status: $0.optionalText(2),
          passwordHash: $0.optionalText(3), createdAt: $0.optionalText(4),
          quota: $0.optionalInteger(5), bytesUsed: $0.integer(6))
      }
    }
  }

  /// The names of all users, in order.
  package var names: [String] { get throws { try users.map(\.name) } }

  package func user(_ name: String) throws -> User? { try users.first { $0.name == name } }

  /// When the present period of a user began, as the user's row has it.
  package func periodStart(of name: String) throws -> Int64? {
    try rows(
      """
      SELECT username, period_start FROM user_quotas JOIN users ON users.id = user_id
      """
    ) { ($0.text(0), $0.integer(1)) }.first { $0.0 == name }?.1
  }
}

// MARK: Usage

extension LedgerProbe {
  /// What the ledger keeps of usage: each adds up to all that a user used.
  package enum Measure: String, CaseIterable, Sendable {
    case sessions, periods, history
    /// The log of ended sessions; what a client moved that another handler refused is not there.
    case log

    var table: String {
      switch self {
      case .sessions: LedgerProbe.allSessions
      case .periods: LedgerProbe.periods
      case .history: "usage"
      case .log: "traffic_logs"
      }
    }
  }

  /// What each user used in all, who has anything on record.
  package func usage(by measure: Measure) throws -> [String: Usage] {
    let all = try rows(
      """
      SELECT \(LedgerProbe.owner), bytes_received, bytes_sent
      FROM \(measure.table) LEFT JOIN users ON users.id = user_id
      """
    ) { ($0.text(0), Usage(received: $0.integer(1), sent: $0.integer(2))) }
    return all.reduce(into: [:]) { $0[$1.0, default: Usage()] += $1.1 }
  }

  /// How many rows it has in all, or those of one user.
  package func count(_ measure: Measure, ofUser id: Int64? = nil) throws -> Int {
    let condition = id.map { " WHERE user_id = \($0)" } ?? ""
    return try Int(open().integer("SELECT count(*) FROM \(measure.table)\(condition)"))
  }

  /// What all have used, those included who have no row any more.
  package func totalUsage(by measure: Measure) throws -> Usage {
    try rows("SELECT bytes_received, bytes_sent FROM \(measure.table)") {
      Usage(received: $0.integer(0), sent: $0.integer(1))
    }.reduce(Usage(), +)
  }

  /// What a user used in all periods. Sessions, history and `bytes_used` have to agree.
  ///
  /// - Throws: `Disagreement` where they do not.
  package func used(_ name: String) throws -> Usage {
    let sums = try [Measure.periods, .history, .sessions].map {
      try usage(by: $0)[name] ?? Usage()
    }
    let (mirror, period) = try presentPeriod(of: name)
    guard sums.allSatisfy({ $0 == sums[0] }), mirror == period else {
      throw Disagreement(
        description: """
          \(name) by periods \(sums[0]); history \(sums[1]); sessions \(sums[2]); bytes_used \(mirror), of the present period \(period)
          """)
    }
    return sums[0]
  }

  /// `bytes_used`, and what the present period has, which is the same where both directions count.
  private func presentPeriod(of name: String) throws -> (mirror: Int64, period: Int64) {
    let start = try periodStart(of: name) ?? 0
    let period = try periods(of: name).first { $0.start == start }?.usage ?? Usage()
    return (try user(name)?.bytesUsed ?? 0, period.total)
  }

  /// What users used on other hosts in the present period, as far as this one has heard of it, in bytes.
  package var bytesUsedElsewhere: [String: Int64] {
    get throws {
      try Dictionary(
        uniqueKeysWithValues: rows(
          """
          SELECT username, elsewhere_received + elsewhere_sent
          FROM users JOIN user_quotas ON user_id = users.id
            JOIN elsewhere ON elsewhere_user = users.id WHERE elsewhere_start = period_start
          """
        ) { ($0.text(0), $0.integer(1)) })
    }
  }

  /// What each user's present period counts, in bytes: the column `bytes_used`.
  package var bytesUsed: [String: Int64] {
    get throws {
      try Dictionary(uniqueKeysWithValues: users.map { ($0.name, $0.bytesUsed) })
    }
  }

  /// A period that has any usage, or is over.
  package struct Period: Equatable, Sendable {
    /// Seconds since 1970; 0 for one that never ends.
    package let start: Int64
    package let usage: Usage
    /// The quota that a finished one had.
    package let quota: Int64?
  }

  /// The periods of a user, from the first.
  package func periods(of name: String) throws -> [Period] {
    try rows(
      """
      SELECT username, period_start, bytes_received, bytes_sent, quota
      FROM \(LedgerProbe.periods) JOIN users ON users.id = user_id ORDER BY period_start
      """
    ) {
      (
        $0.text(0),
        Period(
          start: $0.integer(1), usage: Usage(received: $0.integer(2), sent: $0.integer(3)),
          quota: $0.optionalInteger(4))
      )
    }.filter { $0.0 == name }.map(\.1)
  }

  /// All periods in which anything was moved: those that are over, and each user's present one with
  /// the quota that is in force.
  static let periods =
    """
    (SELECT user_id, period_start, bytes_received, bytes_sent, quota FROM periods UNION ALL
     SELECT user_id, period_start, bytes_received, bytes_sent, quota_bytes FROM user_quotas
     WHERE bytes_received > 0 OR bytes_sent > 0)
    """

  /// What a user used on each day, by its name in a zone, such as 2026-11-23.
  package func days(of name: String, in zone: Zone = .utc) throws -> [String: Usage] {
    try hours(of: name).reduce(into: [:]) {
      $0[Day(of: $1.key, in: zone).description, default: Usage()] += $1.value
    }
  }

  /// The first day of UTC that anybody has usage on record for.
  package var firstDay: String? {
    get throws {
      try rows("SELECT date(min(start), 'unixepoch') FROM usage") { $0.optionalText(0) }[0]
    }
  }

  /// What a user used in each stretch of time that is kept, by its start in seconds since 1970.
  package func hours(of name: String) throws -> [Int64: Usage] {
    try rows(
      """
      SELECT username, start, bytes_received, bytes_sent
      FROM usage JOIN users ON users.id = user_id
      """
    ) { ($0.text(0), $0.integer(1), Usage(received: $0.integer(2), sent: $0.integer(3))) }
    .filter { $0.0 == name }.reduce(into: [:]) { $0[$1.1] = $1.2 }
  }
}

// MARK: Sessions

extension LedgerProbe {
  /// A session that the ledger knows.
  package struct Session: Equatable, Sendable {
    package let user: String
    /// The owner's name when it began.
    package let owner: String
    package let server: String?
    package let pid: Int64
    package let connectedSince: Int64
    /// The address inside the tunnel.
    package let address: String
    /// Where the client comes from, as last listed.
    package let realAddress: String?
    package let usage: Usage
    package let endedAt: Int64?
    /// What ended it: `hook`, `listing` or `restart`; nil while it is open.
    package let endedBy: String?
    package let kills: Int64
    package let killedAt: Int64?

    package var isOpen: Bool { endedAt == nil }

    package init(
      user: String, owner: String? = nil, server: String?, pid: Int64 = 7,
      connectedSince: Int64, address: String, realAddress: String? = nil, usage: Usage = Usage(),
      endedAt: Int64? = nil, endedBy: String? = nil, kills: Int64 = 0, killedAt: Int64? = nil
    ) {
      self.user = user
      self.owner = owner ?? user
      self.server = server
      self.pid = pid
      self.connectedSince = connectedSince
      self.address = address
      self.realAddress = realAddress
      self.usage = usage
      self.endedAt = endedAt
      self.endedBy = endedBy
      self.kills = kills
      self.killedAt = killedAt
    }
  }

  /// The sessions that have no end, and what the log has of the others, as a table.
  static let allSessions =
    """
    (SELECT user_id, bytes_received, bytes_sent FROM sessions JOIN counters ON session_id = id
      WHERE ended_at IS NULL AND user_id IS NOT NULL
    UNION ALL SELECT user_id, bytes_received, bytes_sent FROM traffic_logs
      WHERE connected_since IS NOT NULL AND id NOT IN (SELECT log_id FROM sessions
        WHERE ended_at IS NULL AND log_id IS NOT NULL))
    """

  /// The sessions that are live, or whose end still stands in a journal.
  package var sessions: [Session] {
    get throws {
      try rows(
        """
        SELECT coalesce(username, '#' || user_id, owner), owner, coalesce(listed.name, servers.name), processes.pid,
          connected_since, coalesce(virtual, ipv4, ipv6), coalesce(real, client),
          bytes_received, bytes_sent, ended_at, ended_by, kills, killed_at
        FROM sessions JOIN counters ON session_id = sessions.id
          JOIN processes ON processes.id = process_id JOIN servers ON servers.id = server_id
          LEFT JOIN servers AS listed ON listed.id = listed_as
          LEFT JOIN users ON users.id = user_id
        WHERE reason IS NULL ORDER BY connected_since, sessions.id
        """
      ) {
        let real = $0.blob(6)
        return Session(
          user: $0.text(0), owner: $0.text(1), server: $0.text(2).isEmpty ? nil : $0.text(2),
          pid: $0.integer(3), connectedSince: $0.integer(4),
          address: InternetAddress.shown($0.blob(5)),
          realAddress: real.isEmpty ? nil : InternetAddress.shownWithPort(real),
          usage: Usage(received: $0.integer(7), sent: $0.integer(8)),
          endedAt: $0.optionalInteger(9), endedBy: $0.optionalText(10), kills: $0.integer(11),
          killedAt: $0.optionalInteger(12))
      }
    }
  }

  /// The sessions that have no end yet.
  package var openSessions: [Session] { get throws { try sessions.filter(\.isOpen) } }

  /// A row in the log of ended sessions.
  package struct LoggedSession: Equatable, Sendable {
    package let user: String
    package let usage: Usage
    /// When it ended, in UTC, as `2026-11-23 12:00:00`.
    package let endedAt: String
  }

  /// The log of ended sessions: `traffic_logs`.
  package var loggedSessions: [LoggedSession] {
    get throws {
      try rows(
        """
        SELECT \(LedgerProbe.owner), bytes_received, bytes_sent, log_timestamp
        FROM traffic_logs LEFT JOIN users ON users.id = user_id ORDER BY traffic_logs.id
        """
      ) {
        LoggedSession(
          user: $0.text(0), usage: Usage(received: $0.integer(1), sent: $0.integer(2)),
          endedAt: $0.text(3))
      }
    }
  }
}

// MARK: Events, notices, grants

extension LedgerProbe {
  package struct Event: Equatable, Sendable {
    package let at: Int64
    package let user: String
    package let kind: String
    package let detail: String
    package let count: Int64
    package let lastAt: Int64

    /// - Parameter lastAt: nil for one that was seen once.
    package init(
      at: Int64, user: String, kind: String, detail: String, count: Int64 = 1, lastAt: Int64? = nil
    ) {
      self.at = at
      self.user = user
      self.kind = kind
      self.detail = detail
      self.count = count
      self.lastAt = lastAt ?? at
    }
  }

  /// All events, from the first.
  package var events: [Event] {
    get throws {
      try rows(
        """
        SELECT at, username, kind, detail, count, last_at FROM events WHERE tries IS NULL
        ORDER BY at, username
        """
      ) {
        Event(
          at: $0.integer(0), user: $0.text(1), kind: $0.text(2), detail: $0.text(3),
          count: $0.integer(4), lastAt: $0.integer(5))
      }
    }
  }

  /// The events of one kind.
  package func events(_ kind: String) throws -> [Event] { try events.filter { $0.kind == kind } }

  package struct Notice: Equatable, Sendable {
    package let at: Int64
    /// The beginning of the period it is about.
    package let periodStart: Int64
    package let kind: String
    package let detail: String
    /// Whether it was delivered or given up.
    package let isSettled: Bool
  }

  /// All notices, from the first.
  package var notices: [Notice] {
    get throws {
      try rows(
        """
        SELECT at, period_start, kind, detail, settled_at FROM events WHERE tries IS NOT NULL
        ORDER BY at, kind, detail
        """
      ) {
        Notice(
          at: $0.integer(0), periodStart: $0.integer(1), kind: $0.text(2), detail: $0.text(3),
          isSettled: !$0.isNull(4))
      }
    }
  }

  package struct Grant: Equatable, Sendable {
    package let user: String
    package let bytes: Int64
    /// Whether it is carried over until it is used up.
    package let isCarried: Bool
    package let isRevoked: Bool
  }

  package var grants: [Grant] {
    get throws {
      try rows(
        """
        SELECT \(LedgerProbe.owner), bytes, period_start, revoked_at
        FROM grants LEFT JOIN users ON users.id = user_id ORDER BY user_id, number
        """
      ) {
        Grant(
          user: $0.text(0), bytes: $0.integer(1), isCarried: $0.isNull(2), isRevoked: !$0.isNull(3))
      }
    }
  }
}

/// The ledger does not add up.
package struct Disagreement: Error, CustomStringConvertible { package let description: String }

extension Statement {
  /// The bytes of a BLOB; none for NULL.
  borrowing func blob(_ column: Int32) -> [UInt8] {
    withBlob(column) { bytes in bytes.indices.map { bytes[$0] } }
  }
}

extension InternetAddress {
  /// The text of 4 or 16 bytes; empty for none.
  static func shown(_ bytes: [UInt8]) -> String {
    bytes.isEmpty ? "" : InternetAddress(bytes: bytes).text
  }

  /// The text of an address with two bytes of a port behind it.
  static func shownWithPort(_ bytes: [UInt8]) -> String {
    let host = shown(Array(bytes.dropLast(2)))
    let port = bytes.suffix(2).reduce(0) { $0 << 8 | Int($1) }
    return port == 0 ? host : bytes.count > 6 ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// The bytes that `shown` shows; none for what is no address.
  static func read(_ text: String) -> [UInt8] {
    let text = Array(text.utf8)
    return (InternetAddress(ipv4: text) ?? InternetAddress(ipv6: text))?.bytes ?? []
  }

  /// The bytes that `shownWithPort` shows.
  static func readWithPort(_ text: String) -> [UInt8] {
    guard let colon = text.lastIndex(of: ":"), text.first == "[" || text.contains(".") else {
      return read(text) + [0, 0]
    }
    let port = UInt16(text[text.index(after: colon)...]) ?? 0
    let host = read(text[..<colon].filter { $0 != "[" && $0 != "]" })
    return host + [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]
  }
}
