import Ledger
import Quota
import Support
import System

extension FieldValue {
  func text(_ words: Words) -> String {
    switch self {
    case .text(let text): Escaping.plain(text)
    case .bytes(let bytes): String(decoding: Escaping.plain(bytes), as: UTF8.self)
    case .number(let number): "\(number)"
    case .size(let size): words.size(size)
    case .flag(let flag): flag ? "yes" : "no"
    case .time(let time): words.time(time)
    case .empty: "-"
    }
  }
}

/// A column of a list, or a few that belong together: with a heading it is in the table for people,
/// with a key in JSON and CSV.
package struct Column<Row> {
  fileprivate var cells: [(column: Table.Column, value: (Row) -> FieldValue)] = []
  fileprivate var fields: [(key: String, value: (Row) -> FieldValue)] = []

  var keys: [String] { fields.map(\.key) }

  private init(_ heading: Table.Column?, _ key: String?, _ value: @escaping (Row) -> FieldValue) {
    if let heading { cells = [(heading, value)] }
    if let key { fields = [(key, value)] }
  }

  private init(_ columns: [Column]) {
    cells = columns.flatMap(\.cells)
    fields = columns.flatMap(\.fields)
  }

  package static func text(
    _ heading: Table.Column? = nil, key: String? = nil, _ text: @escaping (Row) -> String?
  ) -> Column {
    Column(heading, key) { text($0).map(FieldValue.text) ?? .empty }
  }

  static func bytes(key: String, _ bytes: @escaping (Row) -> [UInt8]) -> Column {
    Column(nil, key) { .bytes(bytes($0)) }
  }

  package static func number(
    _ heading: String? = nil, key: String? = nil, _ number: @escaping (Row) -> Int64?
  ) -> Column {
    Column(heading.map { .number($0) }, key) { number($0).map(FieldValue.number) ?? .empty }
  }

  /// Bytes of traffic.
  static func size(
    _ heading: String? = nil, key: String? = nil, _ size: @escaping (Row) -> Int64?
  ) -> Column {
    Column(heading.map { .number($0) }, key) { size($0).map(FieldValue.size) ?? .empty }
  }

  package static func flag(key: String, _ flag: @escaping (Row) -> Bool?) -> Column {
    Column(nil, key) { flag($0).map(FieldValue.flag) ?? .empty }
  }

  /// Seconds since 1970 in UTC.
  static func time(
    _ heading: Table.Column? = nil, key: String? = nil, _ time: @escaping (Row) -> Int64?
  ) -> Column {
    Column(heading, key) { time($0).map(FieldValue.time) ?? .empty }
  }

  /// The user of a row, to programs in two fields, for a name may be no text. Programs get nothing
  /// for all users together, nor for one who was removed.
  static func user(
    _ heading: Table.Column? = nil, _ name: @escaping (Row) -> UserName?
  ) -> Column {
    func present(_ row: Row) -> UserName? {
      name(row).flatMap { FormerName($0) == nil ? $0 : nil }
    }
    return Column([
      .text(heading) { name($0)?.forPeople },
      .text(key: "name") { present($0)?.description },
      .text(key: "name_hex") { present($0).flatMap { $0.isText ? nil : hexadecimal($0.bytes) } },
    ])
  }

  /// Both directions.
  static func traffic(_ traffic: @escaping (Row) -> Traffic) -> Column {
    Column([
      .size("DOWNLOAD") { traffic($0).sent }, .size("UPLOAD") { traffic($0).received },
      .size(key: "bytes_received") { traffic($0).received },
      .size(key: "bytes_sent") { traffic($0).sent },
    ])
  }

  /// What a quota counts of both directions.
  static func counted(_ count: Count, _ traffic: @escaping (Row) -> Traffic) -> Column {
    .size(count.heading, key: "bytes_counted") { count.bytes(of: traffic($0)) }
  }

  static func part<Part>(_ columns: [Column<Part>], of part: @escaping (Row) -> Part) -> Column {
    Column(columns.map { Column($0, part) })
  }

  private init<Part>(_ other: Column<Part>, _ part: @escaping (Row) -> Part) {
    cells = other.cells.map { cell in (cell.column, { cell.value(part($0)) }) }
    fields = other.fields.map { field in (field.key, { field.value(part($0)) }) }
  }
}

/// A list: one description of its columns, from which the table for people, JSON and CSV follow.
package struct Listing<Row> {
  let name: String
  let rows: [Row]
  let columns: [Column<Row>]
  /// What JSON says of all rows together, before them.
  var about: [(key: String, value: String)] = []
  /// What the bars behind the rows of the table show; nil for no bars.
  var bar: ((Row) -> Int64)?
  /// What people are told of an empty list, and what would fill it.
  var ifEmpty: (notice: String, hint: String?)?

  package init(_ name: String, _ rows: [Row], _ columns: [Column<Row>]) {
    self.name = name
    self.rows = rows
    self.columns = columns
  }

  package func table(_ words: Words, indentation: Int = 0) -> [UInt8] {
    let cells = columns.flatMap(\.cells)
    var table = Table(cells.map(\.column))
    let largest = bar.flatMap { rows.map($0).max() } ?? 0
    for row in rows {
      table.add(
        cells.map { $0.value(row).text(words) }, bar: bar.map { share($0(row), of: largest) })
    }
    return table.text(indentation: indentation)
  }

  package var json: [UInt8] {
    JSONWriter.document { json in
      for (key, value) in about { json.field(key, value) }
      json.list(name, rows, columns)
    }
  }

  /// - Parameter isForTerminal: whether what could do harm there is escaped.
  func csv(isForTerminal: Bool) -> [UInt8] {
    let fields = columns.flatMap(\.fields)
    var csv = CSVWriter(fields.map(\.key), isForTerminal: isForTerminal)
    for row in rows { csv.row(fields.map { $0.value(row) }) }
    return csv.bytes
  }
}

extension JSONWriter {
  /// Writes an array of objects with the fields of some columns.
  mutating func list<Row>(_ key: String, _ rows: [Row], _ columns: [Column<Row>]) {
    let fields = columns.flatMap(\.fields)
    array(key) { json in
      for row in rows {
        json.object { json in for (key, value) in fields { json.field(key, value: value(row)) } }
      }
    }
  }

  mutating func fields<Row>(_ columns: [Column<Row>], of row: Row) {
    for column in columns {
      for (key, value) in column.fields { field(key, value: value(row)) }
    }
  }
}

extension Count {
  var heading: String { self == .total ? "TOTAL" : "COUNTED" }
}

/// What part of the largest number another one is, above 1 where it is larger; 0 where the largest is 0.
func share(_ amount: Int64, of largest: Int64) -> Double {
  largest > 0 ? Double(amount) / Double(largest) : 0
}
