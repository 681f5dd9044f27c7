import Quota
import SQLite

extension Ledger {
  /// How often the delivery of a notice is tried.
  static let noticeTries: Int64 = 5
  /// Seconds after which a notice is news no longer, and is not delivered any more.
  static let noticeAge: Int64 = 2 * 86_400
  /// Seconds to wait after a try, by how many there were.
  private static let pauses: [Int64] = [0, 60, 300, 900, 3600]

  /// Takes the next notice whose delivery is due, and counts the try before it is made: a program
  /// that is killed in the middle tries again, but not for ever.
  ///
  /// What was tried since the program began is not due, however long the others took: a command that
  /// hangs would otherwise have it try all of them over and over.
  ///
  /// - Parameters:
  ///   - start: when the program began, in seconds since 1970 in UTC.
  ///   - time: now.
  package func takeNotice(since start: Int64, at time: Int64) throws(SQLiteError) -> Notice? {
    try database.transaction { () throws(SQLiteError) in
      guard let notice = try dueNotice(since: start, at: time) else { return nil }
      var statement = try database.prepare(
        "UPDATE notices SET tries = tries + 1, tried_at = ?5 WHERE \(Notice.key)")
      statement.bindKey(of: notice)
      statement.bind(5, time)
      try statement.run()
      return notice
    }
  }

  /// Notes that a notice was delivered.
  package func settle(_ notice: Notice, at time: Int64) throws(SQLiteError) {
    var statement = try database.prepare(
      "UPDATE notices SET settled_at = ?5 WHERE \(Notice.key)")
    statement.bindKey(of: notice)
    statement.bind(5, time)
    try statement.run()
  }

  /// Gives up on notices that were tried often enough, or are old.
  ///
  /// - Returns: how many.
  package func giveUpNotices(at time: Int64) throws(SQLiteError) -> Int {
    var statement = try database.prepare(
      """
      UPDATE notices SET settled_at = ?1 WHERE settled_at IS NULL
        AND (at < ?1 - ?2 OR (tries >= ?3 AND tried_at < ?1 - ?4))
      """)
    statement.bind(1, time)
    statement.bind(2, Ledger.noticeAge)
    statement.bind(3, Ledger.noticeTries)
    statement.bind(4, 60)
    try statement.run()
    return database.changes
  }

  private func dueNotice(since start: Int64, at time: Int64) throws(SQLiteError) -> Notice? {
    var statement = try database.prepare(
      """
      SELECT username, kind, detail, period_start, at, used_bytes, limit_bytes, tries, user_id,
        tried_at
      FROM notices JOIN users ON users.id = user_id
      WHERE settled_at IS NULL AND at >= ?1 AND tries < ?2 ORDER BY at
      """)
    statement.bind(1, time - Ledger.noticeAge)
    statement.bind(2, Ledger.noticeTries)
    while try statement.step() {
      let notice = Notice(row: statement)
      let triedAt = statement.optionalInteger(9)
      let pause = max(Ledger.pauses[Int(notice.tries)], time - start + 1)
      if triedAt.map({ !(0..<pause).contains(time - $0) }) ?? true {
        statement.reset()
        return notice
      }
    }
    return nil
  }
}

extension Notice {
  fileprivate static let key = "user_id = ?1 AND period_start = ?2 AND kind = ?3 AND detail = ?4"

  fileprivate init(row: borrowing Statement) {
    user = UserName(bytes: row.bytes(0))
    kind = Kind(rawValue: row.text(1)) ?? .usage
    detail = row.text(2)
    period = row.integer(3)
    at = row.integer(4)
    used = row.integer(5)
    limit = row.integer(6)
    tries = row.integer(7)
    userID = row.integer(8)
  }
}

extension Statement {
  fileprivate mutating func bindKey(of notice: Notice) {
    bind(1, notice.userID)
    bind(2, notice.period)
    bind(3, notice.kind.rawValue)
    bind(4, notice.detail)
  }
}
