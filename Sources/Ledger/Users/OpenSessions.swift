import Quota
import SQLite

extension Ledger {
  /// All sessions that were live at the last sweep, each with its owner.
  package func openSessions() throws(SQLiteError) -> [(owner: UserName, session: OpenSession)] {
    var rows = try database.prepare(
      """
      SELECT username, server, address, real_address, connected_since, bytes_received, bytes_sent
      FROM sessions INDEXED BY open_sessions JOIN users ON users.id = user_id
      WHERE closed_at IS NULL
      """)
    var sessions: [(owner: UserName, session: OpenSession)] = []
    while try rows.step() {
      let session = OpenSession(
        server: rows.isNull(1) ? nil : rows.text(1), address: rows.text(2),
        realAddress: rows.isNull(3) ? nil : rows.text(3), connectedSince: rows.integer(4),
        counters: Traffic(received: rows.integer(5), sent: rows.integer(6)))
      sessions.append((UserName(bytes: rows.bytes(0)), session))
    }
    return sessions
  }
}
