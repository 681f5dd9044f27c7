import Quota
import SQLite

extension Ledger {
  /// The statement that raises the counters of a report's account that is still as it was read.
  ///
  /// It touches no column of an index, and finds out by itself that nobody was faster: one look into
  /// the primary key, where reading the account again and writing all of it takes six.
  struct Raising: ~Copyable {
    private let ledger: Ledger
    private var raise: Statement

    init(_ ledger: Ledger, for report: ServerReport) throws(SQLiteError) {
      raise = try ledger.database.prepare(
        """
        UPDATE sessions SET real_address = ?5, bytes_received = ?6, bytes_sent = ?7
        WHERE boot = ?1 AND pid = ?2 AND connected_since = ?3 AND address = ?4
          AND bytes_received = ?8 AND bytes_sent = ?9 AND closed_at IS NULL AND server = ?10
        """)
      raise.bind(1, report.boot)
      raise.bind(2, report.pid)
      raise.bind(10, report.server)
      self.ledger = ledger
    }

    /// Raises the open account of a sighting by an increase.
    ///
    /// - Parameter counted: the account's counters when it was read.
    /// - Returns: whether it was done; if not, the account is other than it was, and so it is left.
    mutating func raise(
      _ sighting: Sighting, by increase: Traffic, over counted: Traffic
    ) throws(SQLiteError) -> Bool {
      let counters = counted + increase
      raise.bind(3, sighting.connectedSince)
      raise.bind(4, sighting.address)
      raise.bind(5, sighting.realAddress)
      raise.bind(6, counters.received)
      raise.bind(7, counters.sent)
      raise.bind(8, counted.received)
      raise.bind(9, counted.sent)
      try raise.run()
      return ledger.database.changes > 0
    }
  }
}
