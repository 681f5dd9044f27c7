// What tests ask the tables for, as parts of a query.

/// All periods in which anything was moved: those that are over, and each user's present one.
package let allPeriods =
  """
  (SELECT user_id, period_start, period_end, bytes_received, bytes_sent, quota, granted FROM periods
   UNION ALL
   SELECT user_id, period_start, period_end, bytes_received, bytes_sent, quota_bytes, granted
   FROM user_quotas WHERE bytes_received + bytes_sent > 0)
  """

/// What was moved by days of UTC.
package let dailyUsage =
  """
  (SELECT user_id, date(start, 'unixepoch') AS day, sum(bytes_received) AS bytes_received,
     sum(bytes_sent) AS bytes_sent FROM usage GROUP BY 1, 2)
  """
