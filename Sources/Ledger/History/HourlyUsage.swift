import Quota
import SQLite

/// What was moved in each hour: by the hours of UTC, whose beginning is a whole hour in most zones.
package enum HourlyUsage {
  /// How many days it is kept.
  package static let days: Int64 = 90

  /// The beginning of the hour that a moment is part of, in seconds since 1970 in UTC.
  package static func start(ofHourAround time: Int64) -> Int64 {
    time - (time % 3600 + 3600) % 3600
  }
}

extension Ledger {
  /// What was moved in each hour, by its beginning; hours without use are left out.
  ///
  /// - Parameters:
  ///   - user: the number of the only user to tell of; nil for all.
  ///   - time: the hours that have a part of it, in seconds since 1970 in UTC.
  package func hourlyUsage(
    of user: Int64? = nil, in time: Range<Int64>
  ) throws(SQLiteError) -> [Int64: Traffic] {
    // One look into the primary key a user passes the hours over that are not asked for.
    var statement = try database.prepare(
      """
      WITH RECURSIVE ids (id) AS (
        SELECT coalesce(?3, (SELECT min(user_id) FROM hourly_usage)) UNION ALL
        SELECT (SELECT min(user_id) FROM hourly_usage WHERE user_id > id) FROM ids
        WHERE id IS NOT NULL AND ?3 IS NULL)
      SELECT hour, bytes_received, bytes_sent FROM ids CROSS JOIN hourly_usage
      WHERE user_id = id AND hour >= ?1 AND hour < ?2
      """)
    statement.bind(1, HourlyUsage.start(ofHourAround: time.lowerBound))
    statement.bind(2, time.upperBound)
    statement.bind(3, user)
    var sums: [Int64: Traffic] = [:]
    while try statement.step() {
      sums[statement.integer(0), default: Traffic()] += Traffic(
        received: statement.integer(1), sent: statement.integer(2))
    }
    return sums
  }
}
