import Quota
import SQLite

/// The account of one session: its owner and the highest counters seen.
struct Account: Equatable {
  var identity: SessionIdentity
  /// Who pays. Taken once, when the account is opened, and kept whatever name shows up later.
  let user: Int64
  /// The name the session came in under; with it an account is found whose address changed.
  let commonName: UserName
  /// The server's name in the settings; nil for an account that only hooks have seen.
  var server: String?
  /// Where the client sends from, as last listed.
  var realAddress: String?
  var counters: Traffic
  var closing: Closing?
  /// The session's row in `traffic_logs`, once it ended.
  var log: Int64?
  /// How often the server was told to disconnect it, and when last.
  var kills: Int64 = 0
  var killedAt: Int64?

  /// When an account was closed and by what.
  struct Closing: Equatable {
    let at: Int64
    let by: Closer
  }
}

/// What closed a session's account.
package enum Closer: String, Sendable {
  /// Its disconnect hook. Such an account never opens again.
  case hook
  /// A complete listing of its server without it.
  case listing
  /// Its server runs as another process now, or the machine was booted.
  case restart
}

extension Ledger {
  /// The statements on table `sessions`.
  struct Accounts: ~Copyable {
    private var find: Statement
    private var save: Statement

    init(_ database: borrowing Connection) throws(SQLiteError) {
      let find = try database.prepare(
        """
        SELECT \(Account.columns) FROM sessions
        WHERE boot = ?1 AND pid = ?2 AND connected_since = ?3 AND address = ?4
        """)
      let save = try database.prepare(
        """
        INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
        ON CONFLICT DO UPDATE SET server = ?7, real_address = ?8,
          bytes_received = ?9, bytes_sent = ?10, closed_at = ?11, closed_by = ?12, log_id = ?13,
          kills = ?14, killed_at = ?15
        """)
      self.find = find
      self.save = save
    }

    /// The account of a session, open or closed.
    mutating func account(of session: SessionIdentity) throws(SQLiteError) -> Account? {
      find.bind(1, session.boot)
      find.bind(2, session.pid)
      find.bind(3, session.connectedSince)
      find.bind(4, session.address)
      guard try find.step() else { return nil }
      let account = Account(row: find)
      find.reset()
      return account
    }

    /// Writes an account, a new one or a known one.
    mutating func write(_ account: Account) throws(SQLiteError) {
      save.bind(1, account.identity.boot)
      save.bind(2, account.identity.pid)
      save.bind(3, account.identity.connectedSince)
      save.bind(4, account.identity.address)
      save.bind(5, account.user)
      save.bind(6, bytes: account.commonName.bytes)
      save.bind(7, account.server)
      save.bind(8, account.realAddress)
      save.bind(9, account.counters.received)
      save.bind(10, account.counters.sent)
      save.bind(11, account.closing?.at)
      save.bind(12, account.closing?.by.rawValue)
      save.bind(13, account.log)
      save.bind(14, account.kills)
      save.bind(15, account.killedAt)
      try save.run()
    }
  }

  /// The accounts that no hook closed of sessions of one server process that began in the same second
  /// under the same common name: where a session's address is unknown, one of these may be it.
  func accountsWithoutHook(
    like session: SessionIdentity, named commonName: UserName
  ) throws(SQLiteError) -> [Account] {
    var statement = try database.prepare(
      """
      SELECT \(Account.columns) FROM sessions
      WHERE boot = ?1 AND pid = ?2 AND connected_since = ?3 AND common_name = ?4
        AND closed_by IS NOT 'hook'
      """)
    statement.bind(1, session.boot)
    statement.bind(2, session.pid)
    statement.bind(3, session.connectedSince)
    statement.bind(4, bytes: commonName.bytes)
    return try statement.accounts()
  }

  /// Gives a session's account another address.
  func move(_ session: SessionIdentity, to address: String) throws(SQLiteError) {
    var statement = try database.prepare(
      """
      UPDATE sessions SET address = ?5
      WHERE boot = ?1 AND pid = ?2 AND connected_since = ?3 AND address = ?4
      """)
    statement.bind(1, session.boot)
    statement.bind(2, session.pid)
    statement.bind(3, session.connectedSince)
    statement.bind(4, session.address)
    statement.bind(5, address)
    try statement.run()
  }
}

extension Statement {
  /// All rows of a statement that selects `Account.columns`.
  mutating func accounts() throws(SQLiteError) -> [Account] {
    var accounts: [Account] = []
    while try step() { accounts.append(Account(row: self)) }
    return accounts
  }
}

extension Account {
  /// The columns that `init(row:)` reads, in their order.
  static let columns =
    """
    boot, pid, connected_since, address, user_id, common_name, server, real_address,
    bytes_received, bytes_sent, closed_at, closed_by, log_id, kills, killed_at
    """

  /// Reads a row of `columns`.
  fileprivate init(row: borrowing Statement) {
    let closing = row.optionalInteger(10).map { at in
      Closing(at: at, by: Closer(rawValue: row.text(11)) ?? .listing)
    }
    self.init(
      identity: SessionIdentity(
        boot: row.integer(0), pid: row.integer(1), connectedSince: row.integer(2),
        address: row.text(3)),
      user: row.integer(4), commonName: UserName(bytes: row.bytes(5)),
      server: row.isNull(6) ? nil : row.text(6), realAddress: row.isNull(7) ? nil : row.text(7),
      counters: Traffic(received: row.integer(8), sent: row.integer(9)), closing: closing,
      log: row.optionalInteger(12), kills: row.integer(13), killedAt: row.optionalInteger(14))
  }
}
