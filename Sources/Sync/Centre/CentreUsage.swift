import Ledger
import Quota

extension Centre {
  /// Tells what a host's users used there and moved on days, and that the host is well, in one transaction.
  ///
  /// - Parameters:
  ///   - usage: by users and periods in ascending order, so that two hosts cannot wait for each other.
  ///   - host: whose it is, with the token that the centre has from now on.
  ///   - isRestored: whether the centre's last token may be another one, because an older ledger was restored.
  package func push(
    _ usage: [OwnUsage], _ days: [OwnDay] = [], of host: PresentHost, isRestored: Bool
  ) throws {
    try connection.transaction { connection in
      let version = try Centre.give(
        host, raisingVersionBy: usage.isEmpty ? 0 : 1, isRestored: isRestored, connection)
      try Centre.push(days, of: host.membership.host, connection)
      if usage.isEmpty { return }
      try connection.run(
        """
        INSERT INTO quota_usage (user_id, period_start, host, received, sent, sessions, version)
        SELECT n.user_id, n.period_start, $1, n.received, n.sent, n.sessions, $2::bigint
        FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
          AS n (user_id, period_start, received, sent, sessions)
        ON CONFLICT (user_id, period_start, host) DO UPDATE SET received = excluded.received,
          sent = excluded.sent, sessions = excluded.sessions, version = excluded.version
        """, .text(host.membership.host), .integer(version), .texts(usage.map(\.user)),
        .integers(usage.map(\.periodStart)), .integers(usage.map(\.traffic.received)),
        .integers(usage.map(\.traffic.sent)), .integers(usage.map(\.sessions)))
    }
  }

  /// Gives the centre a host's token, after it made sure that the host may have one.
  ///
  /// One that was taken for gone is so until it says that it knows.
  ///
  /// - Returns: the version of the host's usage.
  @discardableResult
  static func give(
    _ host: PresentHost, raisingVersionBy increase: Int64 = 0, isRestored: Bool,
    _ connection: borrowing PostgresConnection
  ) throws -> Int64 {
    switch try standing(of: host, isForUpdate: true, connection) {
    case .known: break
    case .restored where isRestored: break
    case .restored: throw SyncError.copied(host: host.membership.host, sameMachine: true)
    case .unknown: throw SyncError.notJoined
    }
    return
      try connection.run(
        """
        UPDATE quota_hosts SET token = $2, machine = $3, clock_ahead = $4::bigint,
          left_at = CASE WHEN $6::bigint = 1 THEN NULL ELSE left_at END,
          heard_at = \(now), version = version + $5::bigint
        WHERE host = $1 RETURNING version
        """, .text(host.membership.host), .text(host.membership.token), .text(host.machine),
        .integer(host.clockAhead), .integer(increase), .integer(host.isBack ? 1 : 0)
      ).integer(0, 0) ?? 0
  }

  /// What the centre has of a host's usage.
  package func usage(of host: String) throws(PostgresError) -> [OwnUsage] {
    let rows = try connection.run(
      "SELECT user_id, period_start, received, sent, sessions FROM quota_usage WHERE host = $1",
      .text(host))
    return (0..<rows.count).compactMap { row in
      guard let start = rows.integer(row, 1), let received = rows.integer(row, 2),
        let sent = rows.integer(row, 3)
      else { return nil }
      return OwnUsage(
        user: rows.text(row, 0), periodStart: start,
        traffic: Traffic(received: received, sent: sent), sessions: rows.integer(row, 4) ?? 0)
    }
  }

  /// The users whose usage on other hosts is newer than what was seen.
  ///
  /// - Parameter seen: the version of each host's usage that is known.
  package func users(changedSince seen: [String: Int64]) throws(PostgresError) -> [String] {
    let hosts = seen.sorted { $0.key < $1.key }
    let rows = try connection.run(
      """
      SELECT DISTINCT u.user_id FROM unnest($1::text[], $2::bigint[]) AS s (host, seen)
        JOIN quota_usage AS u ON u.host = s.host AND u.version > s.seen
      """, .texts(hosts.map(\.key)), .integers(hosts.map(\.value)))
    return (0..<rows.count).map { rows.text($0, 0) }
  }

  /// What users used in these periods on all hosts but one.
  ///
  /// - Parameter garbage: is told of each sum that makes no sense, which is left out.
  package func usage(
    of wanted: [(user: String, periodStart: Int64)], elsewhereThan host: String,
    garbage: (String) -> Void
  ) throws(PostgresError) -> [(user: String, ElsewhereUsage)] {
    let rows = try connection.run(
      """
      SELECT w.user_id, w.period_start, coalesce(sum(u.received), 0), coalesce(sum(u.sent), 0),
        coalesce(sum(u.sessions), 0), count(*) FILTER (WHERE u.sessions > 0)
      FROM unnest($1::text[], $2::bigint[]) AS w (user_id, period_start)
        LEFT JOIN quota_usage AS u ON u.user_id = w.user_id AND u.period_start = w.period_start
          AND u.host <> $3
      GROUP BY w.user_id, w.period_start
      """, .texts(wanted.map(\.user)), .integers(wanted.map(\.periodStart)), .text(host))
    var sums: [(user: String, ElsewhereUsage)] = []
    sums.reserveCapacity(rows.count)
    for row in 0..<rows.count {
      guard let start = rows.integer(row, 1), let received = rows.integer(row, 2),
        let sent = rows.integer(row, 3), let sessions = rows.integer(row, 4),
        !received.addingReportingOverflow(sent).overflow
      else {
        garbage("usage of \(rows.text(row, 0))")
        continue
      }
      sums.append(
        (
          rows.text(row, 0),
          ElsewhereUsage(
            periodStart: start, traffic: Traffic(received: received, sent: sent),
            sessions: sessions, hosts: rows.integer(row, 5) ?? 0)
        ))
    }
    return sums
  }
}
