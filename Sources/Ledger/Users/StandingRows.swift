import SQLite

/// The statement that reads the standings of users by their ids.
///
/// Those whose ids are close to each other are read in one pass, which takes half of what a look at
/// each does; in a sweep nearly everybody is asked for.
struct StandingRows: ~Copyable {
  private var find: Statement

  init(_ ledger: Ledger) throws(SQLiteError) {
    find = try ledger.database.prepare(
      "\(StandingRow.selection) users.id BETWEEN ?1 AND ?2 ORDER BY users.id")
  }

  /// The row of one user, nil for a stranger.
  mutating func row(of user: Int64) throws(SQLiteError) -> StandingRow? {
    find.bind(1, user)
    find.bind(2, user)
    guard try find.step() else { return nil }
    let row = StandingRow(find)
    find.reset()
    return row
  }

  /// Hands the rows of users to a body, each with the statement that it was read from.
  ///
  /// - Parameter users: their ids in ascending order; an id may be there more than once.
  mutating func forEach(
    of users: [Int64],
    _ body: (StandingRow, borrowing Statement) throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    var next = 0
    while next < users.count {
      var last = next
      while last + 1 < users.count, users[last + 1] - users[last] <= 2 { last += 1 }
      find.bind(1, users[next])
      find.bind(2, users[last])
      while try find.step() {
        let user = find.integer(0)
        while users[next] < user { next += 1 }
        if users[next] == user { try body(StandingRow(find), find) }
      }
      next = last + 1
    }
  }
}
