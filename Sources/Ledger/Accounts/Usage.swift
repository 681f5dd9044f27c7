import Quota
import SQLite

extension Ledger {
  /// The statements that count bytes for a user.
  ///
  /// An overflowing sum becomes a floating-point number in SQLite, so sums are clamped to the
  /// largest integer: `min(old, largest - more) + more`.
  struct Counting: ~Copyable {
    private var period: Statement
    private var day: Statement
    private var mirror: Statement
    private let count: Count
    private let zone: Zone

    init(_ ledger: Ledger) throws(SQLiteError) {
      let period = try ledger.database.prepare(
        """
        INSERT INTO period_usage VALUES (?1, 0, ?2, ?3) ON CONFLICT DO UPDATE SET
          bytes_received = min(bytes_received, 9223372036854775807 - ?2) + ?2,
          bytes_sent = min(bytes_sent, 9223372036854775807 - ?3) + ?3
        RETURNING bytes_received, bytes_sent
        """)
      let day = try ledger.database.prepare(
        """
        INSERT INTO daily_usage VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET
          bytes_received = min(bytes_received, 9223372036854775807 - ?3) + ?3,
          bytes_sent = min(bytes_sent, 9223372036854775807 - ?4) + ?4
        """)
      let mirror = try ledger.database.prepare(
        """
        UPDATE user_quotas SET bytes_used = ?2, updated_at = datetime(?3, 'unixepoch')
        WHERE user_id = ?1
        """)
      self.period = period
      self.day = day
      self.mirror = mirror
      count = ledger.rules.count
      zone = ledger.zone
    }

    /// Adds an increase to a user's period and day and mirrors the result in `bytes_used`. Runs
    /// inside the transaction that raised the session's own counters, so that a byte counts once.
    mutating func add(_ increase: Traffic, to user: Int64, at time: Int64) throws(SQLiteError) {
      if increase.isZero { return }
      period.bind(1, user)
      period.bind(2, increase.received)
      period.bind(3, increase.sent)
      var used = increase
      while try period.step() {
        used = Traffic(received: period.integer(0), sent: period.integer(1))
      }
      day.bind(1, user)
      day.bind(2, Day(of: time, in: zone).description)
      day.bind(3, increase.received)
      day.bind(4, increase.sent)
      try day.run()
      mirror.bind(1, user)
      mirror.bind(2, count.bytes(of: used))
      mirror.bind(3, time)
      try mirror.run()
    }
  }
}
