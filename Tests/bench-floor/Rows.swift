import SQLite

/// Rows as `Table.rows` writes them, read one after the other in the bytes they came in.
struct Rows {
  private let bytes: [UInt8]
  private var place = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Binds the columns of the next row, if it is one of this table.
  mutating func bindNext(of table: Table, to statement: inout Statement) -> Bool {
    guard place < bytes.count, bytes[place] == table.mark else { return false }
    place += 2
    for (parameter, column) in zip(Int32(1)..., table.columns) {
      if column.isText {
        let start = place
        skipField()
        statement.bind(parameter, bytes: Array(bytes[start..<(place - 1)]))
      } else {
        statement.bind(parameter, nextNumber())
      }
    }
    return true
  }

  /// Goes on behind the tab or the line end that ends the field.
  private mutating func skipField() {
    var end = place
    while bytes[end] > UInt8(ascii: "\n") { end += 1 }
    place = end + 1
  }

  private mutating func nextNumber() -> Int64 {
    var (value, end): (Int64, Int) = (0, place)
    while bytes[end] > UInt8(ascii: "\n") {
      value = value &* 10 &+ Int64(bytes[end] &- UInt8(ascii: "0"))
      end += 1
    }
    place = end + 1
    return value
  }
}
