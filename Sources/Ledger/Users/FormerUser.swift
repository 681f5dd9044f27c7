import SQLite

// A name that was taken away from a user, by a removal or a renaming, leaves a row in `users` under
// a name that no client can have, for OpenVPN puts `_` in the place of control characters: the old
// name, a byte 1, and the second it was taken away in. So nothing that looks for a user by name
// finds it.
//
// A removed user's own row is left so, and his history keeps its owner and his id is never given to
// anybody else. Of a renamed user it is a row beside his own, whose name ends in a further byte 1
// and his id.

/// What a row in `users` says whose name was taken away.
package struct FormerName: Equatable, Sendable {
  /// The name as it was.
  package let name: UserName
  /// When it was taken away, in seconds since 1970 in UTC.
  package let until: Int64
  /// The id of the user who has another name since; nil for one who was removed.
  let renamed: Int64?

  private static let mark: UInt8 = 1

  init(_ name: UserName, until time: Int64, renamed: Int64? = nil) {
    self.name = name
    until = time
    self.renamed = renamed
  }

  /// Reads the name of a row; nil for that of a user who is there.
  package init?(_ rowName: UserName) {
    let parts = rowName.bytes.split(
      separator: FormerName.mark, omittingEmptySubsequences: false)
    let numbers = parts.dropFirst().map { Int64(String(decoding: $0, as: UTF8.self)) }
    guard 1...2 ~= numbers.count, let time = numbers[0] else { return nil }
    self.init(
      UserName(bytes: Array(parts[0])), until: time, renamed: numbers.count == 2 ? numbers[1] : nil)
  }

  /// The name of the row.
  var rowName: UserName {
    let numbers = [until] + (renamed.map { [$0] } ?? [])
    return UserName(
      bytes: numbers.reduce(name.bytes) { $0 + [FormerName.mark] + Array(String($1).utf8) })
  }

  /// The bounds between which a name's rows are, the upper one not included.
  static func bounds(of name: UserName) -> (UserName, UserName) {
    (
      UserName(bytes: name.bytes + [FormerName.mark]),
      UserName(bytes: name.bytes + [FormerName.mark + 1])
    )
  }
}

extension Ledger {
  /// What tells a row of a user who is there from one of a name that was taken away; to go into a
  /// query on `users`.
  static let isPresent = "coalesce(status, '') NOT IN ('removed', 'renamed')"

  /// Whom a session belongs to that began when a name was still another's: who has been renamed or
  /// removed since. Nil where neither happened.
  ///
  /// The hooks' records in the spool name owners as they were called at the door.
  ///
  /// - Parameter since: when the session began, in seconds since 1970.
  func formerOwner(named name: UserName, since: Int64) throws(SQLiteError) -> Int64? {
    var rows = try database.prepare(
      "SELECT id, username FROM users WHERE username >= ?1 AND username < ?2")
    let bounds = FormerName.bounds(of: name)
    rows.bind(1, bytes: bounds.0.bytes)
    rows.bind(2, bytes: bounds.1.bytes)
    var first: (until: Int64, id: Int64)?
    while try rows.step() {
      guard let former = FormerName(UserName(bytes: rows.bytes(1))), former.name == name,
        former.until >= since, former.until < first?.until ?? .max
      else { continue }
      first = (former.until, former.renamed ?? rows.integer(0))
    }
    return first?.id
  }

  /// A row name for a name that is taken away now, a little later if there is one already.
  func freshName(for former: FormerName) throws(SQLiteError) -> UserName {
    var owners = try Owners(self)
    var fresh = former
    while try owners.id(of: fresh.rowName) != nil {
      fresh = FormerName(former.name, until: fresh.until + 1, renamed: former.renamed)
    }
    return fresh.rowName
  }
}
