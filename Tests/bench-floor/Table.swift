import SQLite

/// A table that version 2's sweep writes to: the columns that come from a listing, and how a row is
/// upserted.
struct Table {
  let name: String
  /// What a row in a file begins with.
  let mark: UInt8
  /// The columns of a row, in the order of the primary key, each of them an integer or text.
  let columns: [(name: String, isText: Bool)]
  /// How many columns tell which row it is.
  let key: Int
  /// The statement that writes a row of `columns`.
  let upsert: String

  static let all = [
    Table(
      "sessions", "S", key: 4,
      "boot pid connected_since address$ user_id common_name$ server$ real_address$"
        + " bytes_received bytes_sent",
      changing: "server real_address bytes_received bytes_sent"),
    Table(
      "period_usage", "P", key: 2, "user_id period_start bytes_received bytes_sent",
      changing: "bytes_received bytes_sent"),
    Table(
      "daily_usage", "D", key: 2, "user_id day$ bytes_received bytes_sent",
      changing: "bytes_received bytes_sent"),
    Table(
      "hourly_usage", "H", key: 2, "user_id hour bytes_received bytes_sent",
      changing: "bytes_received bytes_sent"),
    Table(
      "user_quotas", "Q", key: 1, "user_id bytes_used updated_at$",
      changing: "bytes_used updated_at"),
  ]

  /// - Parameters:
  ///   - mark: what a row in a file begins with, an ASCII letter.
  ///   - columns: their names; `$` behind one says that it is text.
  ///   - changing: those that are written where the row is there already.
  private init(
    _ name: String, _ mark: Unicode.Scalar, key: Int, _ columns: String, changing: String
  ) {
    self.name = name
    self.mark = UInt8(ascii: mark)
    self.key = key
    self.columns = columns.split(separator: " ").map { column in
      (String(column.prefix { $0 != "$" }), column.hasSuffix("$"))
    }
    let names = self.columns.map(\.name)
    let places = names.indices.map { "?\($0 + 1)" }
    let changes = changing.split(separator: " ").map { "\($0) = excluded.\($0)" }
    upsert = """
      INSERT INTO \(name) (\(names.joined(separator: ", ")))
      VALUES (\(places.joined(separator: ", ")))
      ON CONFLICT (\(names.prefix(key).joined(separator: ", ")))
      DO UPDATE SET \(changes.joined(separator: ", "))
      """
  }

  /// All its rows, each its mark and the columns with a tab before each, in the order of the key.
  func rows(of database: borrowing Connection) throws(SQLiteError) -> String {
    let names = columns.map(\.name).joined(separator: ", ")
    let keys = columns.prefix(key).map(\.name).joined(separator: ", ")
    var rows = try database.prepare("SELECT \(names) FROM \(name) ORDER BY \(keys)")
    var text = ""
    while try rows.step() {
      text.unicodeScalars.append(Unicode.Scalar(mark))
      for place in columns.indices { text += "\t\(rows.text(Int32(place)))" }
      text += "\n"
    }
    return text
  }
}
