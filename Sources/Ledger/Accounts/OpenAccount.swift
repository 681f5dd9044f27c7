import Quota
import SQLite

/// An open account of a server, as much of it as a report is held against.
struct OpenAccount: Equatable {
  let identity: SessionIdentity
  let user: Int64
  let commonName: UserName
  let counters: Traffic
  /// Whether the account already has the server's name.
  let isOfServer: Bool
  let kills: Int64
  let killedAt: Int64?

  fileprivate init(row: borrowing Statement) {
    identity = SessionIdentity(
      boot: row.integer(0), pid: row.integer(1), connectedSince: row.integer(2),
      address: row.text(3))
    user = row.integer(4)
    commonName = UserName(bytes: row.bytes(5))
    counters = Traffic(received: row.integer(6), sent: row.integer(7))
    isOfServer = row.integer(8) == 1
    kills = row.integer(9)
    killedAt = row.optionalInteger(10)
  }

  /// Whether writing a sighting down would change nothing. A client that floats to another real
  /// address does so by sending something, so its counters tell.
  func isUpToDate(with sighting: Sighting) -> Bool {
    isOfServer && identity.address == sighting.address
      && sighting.counters.increase(over: counters).isZero
  }
}

extension Ledger {
  /// Goes once over the open accounts of a server: those it was seen with, and those of the process
  /// it is now. One at a time, for there may be as many as there are live sessions.
  func forEachOpenAccount(
    of report: ServerReport, _ body: (OpenAccount) -> Void
  ) throws(SQLiteError) {
    var rows = try database.prepare(
      """
      SELECT boot, pid, connected_since, address, user_id, common_name, bytes_received,
        bytes_sent, server = ?1, kills, killed_at
      FROM sessions INDEXED BY open_sessions
      WHERE closed_at IS NULL AND (server = ?1 OR (boot = ?2 AND pid = ?3))
      """)
    rows.bind(1, report.server)
    rows.bind(2, report.boot)
    rows.bind(3, report.pid)
    while try rows.step() { body(OpenAccount(row: rows)) }
  }
}
