import Support
import Ledger

/// Rows of named values for programs, written as CSV with a heading, or as a JSON object whose last
/// field is an array of objects with the same names.
struct Records {
  /// A value of a row.
  enum Value {
    case text(String)
    case number(Int64)
    case flag(Bool)
    /// Seconds since 1970 in UTC.
    case time(Int64)
    /// Nothing known: null, or an empty field.
    case none
  }

  private let name: String
  private let about: [(key: String, value: Value)]
  private let columns: [String]
  private var rows: [[Value]] = []

  /// No rows yet.
  ///
  /// - Parameters:
  ///   - name: the array's name in JSON.
  ///   - about: what JSON says of all rows together, before them.
  ///   - columns: the names of the values of each row.
  init(_ name: String, about: [(key: String, value: Value)] = [], _ columns: [String]) {
    self.name = name
    self.about = about
    self.columns = columns
  }

  /// Adds a row, which has as many values as there are columns.
  mutating func add(_ values: [Value]) { rows.append(values) }

  /// The rows as JSON.
  var json: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      for (key, value) in about { json.field(key, value) }
      json.array(name) { json in
        for row in rows {
          json.object { json in
            for (key, value) in zip(columns, row) { json.field(key, value) }
          }
        }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// The rows as CSV.
  var csv: [UInt8] {
    var csv = CSVWriter(columns, isForTerminal: Terminal.isOutput)
    for row in rows {
      csv.row(
        row.map { value in
          switch value {
          case .text(let text): .text(text)
          case .number(let number): .number(number)
          case .flag(let flag): .text(flag ? "true" : "false")
          case .time(let time): .text(isoTime(time))
          case .none: .empty
          }
        })
    }
    return csv.bytes
  }
}

extension Records.Value {
  /// A text, or nothing.
  init(_ text: String?) { self = text.map(Self.text) ?? .none }

  /// A moment, or none.
  init(time: Int64?) { self = time.map(Self.time) ?? .none }

  /// The two columns `name` and `name_hex` of a user; nothing for all users together, or for one
  /// who was removed.
  static func name(_ name: UserName?) -> [Records.Value] {
    guard let name, FormerName(name) == nil else { return [.none, .none] }
    return [.text(name.description), name.isText ? .none : .text(hexadecimal(name.bytes))]
  }
}

extension JSONWriter {
  fileprivate mutating func field(_ key: String, _ value: Records.Value) {
    switch value {
    case .text(let text): field(key, text)
    case .number(let number): field(key, number)
    case .flag(let flag): field(key, flag)
    case .time(let time): field(key, isoTime(time))
    case .none: field(key, String?.none)
    }
  }
}
