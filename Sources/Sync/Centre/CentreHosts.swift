import Ledger

/// This host, as it speaks to the centre now.
package struct PresentHost: Sendable {
  /// Who it is.
  package let membership: Membership
  /// What tells this machine from another one that has a copy of its disk; see `machine-id(5)`.
  package let machine: String
  /// Seconds between two runs of quota-sync.
  package let interval: Int64
  /// How many seconds its clock is ahead of the centre's.
  package let clockAhead: Int64
  /// Whether it knows that the centre took it for gone, and tells again of all its sessions.
  package var isBack = false

  package init(_ membership: Membership, machine: String, interval: Int64, clockAhead: Int64) {
    self.membership = membership
    self.machine = machine
    self.interval = interval
    self.clockAhead = clockAhead
  }
}

/// A host as the centre knows it.
package struct KnownHost: Equatable, Sendable {
  package let host: String
  /// The version of its usage.
  package let version: Int64
  /// Seconds since it was heard.
  package let age: Int64
  /// How many seconds its clock was ahead of the centre's.
  package let clockAhead: Int64
  /// Whether it left, or was forgotten.
  package let hasLeft: Bool
}

extension Centre {
  /// The centre's clock, in seconds since 1970.
  static let now = "extract(epoch FROM clock_timestamp())::bigint"

  /// How what the centre knows of a host fits to what the host says.
  package enum Standing: Equatable, Sendable {
    /// It is the ledger that was last heard.
    case known
    /// It is an older copy of that ledger on the same machine, or the centre is one of its own.
    case restored
    /// The centre has no such host, or another one of its name.
    case unknown
  }

  /// - Throws: `SyncError.copied` where two speak as one.
  package func standing(of host: PresentHost) throws -> Standing {
    try Centre.standing(of: host, isForUpdate: false, connection)
  }

  static func standing(
    of host: PresentHost, isForUpdate: Bool, _ connection: borrowing PostgresConnection
  ) throws -> Standing {
    let membership = host.membership
    let rows = try connection.run(
      """
      SELECT id, token, machine, \(now), heard_at FROM quota_hosts
        WHERE host = $1\(isForUpdate ? " FOR UPDATE" : "")
      """, .text(membership.host))
    guard rows.count == 1, rows.text(0, 0) == membership.id else { return .unknown }
    if membership.tokens.contains(rows.text(0, 1)) { return .known }
    let isSame = rows.text(0, 2) == host.machine
    guard isSame, rows.seconds(0, from: 4, to: 3) > 3 * host.interval else {
      throw SyncError.copied(host: membership.host, sameMachine: isSame)
    }
    return .restored
  }

  /// The token that a host has in the centre; nil where there is no such host. Waits for what an earlier
  /// connection may still be doing to it.
  package func token(of host: PresentHost) throws -> String? {
    try connection.transaction { connection in
      let rows = try connection.run(
        "SELECT token FROM quota_hosts WHERE host = $1 FOR UPDATE", .text(host.membership.host))
      return rows.count == 1 ? rows.text(0, 0) : nil
    }
  }

  /// Adds a host. One that left may come again, with another ledger too; but a ledger has one name for good,
  /// for what it told would count twice under another.
  ///
  /// - Throws: `SyncError.hostTaken` or `.known`.
  package func add(_ host: PresentHost) throws {
    try connection.transaction { connection in
      let membership = host.membership
      let former = try connection.run(
        "SELECT host FROM quota_hosts WHERE id = $1 AND host <> $2", .text(membership.id),
        .text(membership.host))
      guard former.count == 0 else { throw SyncError.known(as: former.text(0, 0)) }
      let rows = try connection.run(
        """
        INSERT INTO quota_hosts (host, id, machine, token, role, version, heard_at, clock_ahead)
        VALUES ($1, $2, $3, $4, current_user, 0, \(Centre.now), $5::bigint)
        ON CONFLICT (host) DO UPDATE SET id = excluded.id, machine = excluded.machine,
          token = excluded.token, heard_at = excluded.heard_at, clock_ahead = excluded.clock_ahead,
          left_at = NULL
        WHERE quota_hosts.left_at IS NOT NULL
          OR quota_hosts.id = excluded.id AND quota_hosts.token = ANY ($6::text[])
        """, .text(membership.host), .text(membership.id), .text(host.machine),
        .text(membership.token), .integer(host.clockAhead), .texts(membership.tokens))
      guard rows.changed == 1 else { throw SyncError.hostTaken(membership.host) }
    }
  }

  /// Ends a host's sessions, and keeps its usage.
  ///
  /// - Returns: whether there is such a host.
  /// - Throws: `SyncError.anotherRole` where only another role may.
  package func remove(_ host: String) throws -> Bool {
    try connection.transaction { connection in
      let rows = try connection.run(
        """
        UPDATE quota_hosts SET version = version + 1, left_at = \(Centre.now) WHERE host = $1
          RETURNING version
        """, .text(host))
      guard rows.count == 1, let version = rows.integer(0, 0) else {
        let isThere = try connection.run("SELECT 1 FROM quota_hosts WHERE host = $1", .text(host))
        if isThere.count > 0 { throw SyncError.anotherRole(host) }
        return false
      }
      try connection.run(
        """
        UPDATE quota_usage SET sessions = 0, version = $2::bigint WHERE host = $1 AND sessions > 0
        """, .text(host), .integer(version))
      return true
    }
  }

  /// All hosts, by name.
  package func hosts() throws(PostgresError) -> [KnownHost] { try Centre.hosts(connection) }

  static func hosts(
    _ connection: borrowing PostgresConnection
  ) throws(PostgresError) -> [KnownHost] {
    let rows = try connection.run(
      """
      SELECT host, version, \(Centre.now), heard_at, clock_ahead, left_at IS NOT NULL
        FROM quota_hosts ORDER BY host
      """)
    return (0..<rows.count).map { row in
      KnownHost(
        host: rows.text(row, 0), version: rows.integer(row, 1) ?? 0,
        age: rows.seconds(row, from: 3, to: 2), clockAhead: rows.integer(row, 4) ?? 0,
        hasLeft: rows.truth(row, 5))
    }
  }
}

extension PostgresRows {
  /// The seconds between two times, 0 where they make no sense: what no host wrote must not keep the
  /// others from being read.
  fileprivate borrowing func seconds(_ row: Int, from start: Int, to end: Int) -> Int64 {
    guard let start = integer(row, start), let end = integer(row, end) else { return 0 }
    let (seconds, isTooMuch) = end.subtractingReportingOverflow(start)
    return isTooMuch ? 0 : max(0, seconds)
  }
}
