import Ledger
import Quota
import SQLite

/// Something that can be shown to people as a table, and to programs as records.
protocol Report {
  var table: Table { get }
  var records: Records { get }
}

extension Report {
  /// The report as it was asked for.
  func text(as format: FormatOptions.Format) -> [UInt8] {
    switch format {
    case .text: table.text()
    case .json: records.json
    case .csv: records.csv
    }
  }
}

/// Whom a part of a report is about.
struct Subject {
  /// Nil for everybody together.
  let name: UserName?
  /// The user's number in the ledger; nil for everybody.
  let number: Int64?

  static let everybody = Subject(name: nil, number: nil)
}

extension Administration {
  /// Whom names are about: each by himself, and everybody together for no names.
  ///
  /// - Throws: `CommandError` for a name that no user has.
  func subjects(_ names: [UserName]) throws(CommandError) -> [Subject] {
    if names.isEmpty { return [.everybody] }
    return try names.map { name throws(CommandError) in
      let number = try read { ledger throws(SQLiteError) in try ledger.number(of: name) }
      guard let number else { throw unknown(name) }
      return Subject(name: name, number: number)
    }
  }
}

extension Count {
  /// The heading of a column of what counts.
  var heading: String { self == .total ? "TOTAL" : "COUNTED" }
}

/// What part of the largest number another one is, 0 to 1.
func share(_ amount: Int64, of largest: Int64) -> Double {
  largest > 0 ? Double(amount) / Double(largest) : 0
}
