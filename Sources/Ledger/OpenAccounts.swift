import Quota
import SQLite

/// The open accounts of a server, as much of them as a report is held against.
///
/// There may be as many as there are live sessions, so they are kept small.
struct OpenAccounts {
  /// Those of the process that answered.
  private(set) var current: [OpenAccount] = []
  /// Those that the server was seen with as another process or before another boot.
  private(set) var former: [(identity: SessionIdentity, user: Int64)] = []

  init(of report: ServerReport, in ledger: Ledger) throws(SQLiteError) {
    var rows = try ledger.database.prepare(
      """
      SELECT boot, pid, connected_since, address, user_id, common_name, bytes_received,
        bytes_sent, server = ?1, kills, killed_at
      FROM sessions INDEXED BY open_sessions
      WHERE closed_at IS NULL AND (server = ?1 OR (boot = ?2 AND pid = ?3))
      """)
    rows.bind(1, report.server)
    rows.bind(2, report.boot)
    rows.bind(3, report.pid)
    while try rows.step() {
      if rows.integer(0) == report.boot, rows.integer(1) == report.pid {
        current.append(OpenAccount(row: rows))
      } else {
        let identity = SessionIdentity(
          boot: rows.integer(0), pid: rows.integer(1), connectedSince: rows.integer(2),
          address: rows.text(3))
        former.append((identity, rows.integer(4)))
      }
    }
  }
}

/// One open account of the server process that a report is from.
struct OpenAccount: Equatable {
  let connectedSince: Int64
  let address: String
  let user: Int64
  let commonName: UserName
  let counters: Traffic
  /// Whether the account already has the server's name.
  let isOfServer: Bool
  let kills: Int64
  let killedAt: Int64?

  fileprivate init(row: borrowing Statement) {
    connectedSince = row.integer(2)
    address = row.text(3)
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
    isOfServer && address == sighting.address
      && sighting.counters.increase(over: counters).isZero
  }
}
