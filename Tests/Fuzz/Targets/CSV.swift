import Support
import Quota

@testable import Ledger
@testable import Admin

extension FuzzTarget {
  /// CSV, as a spreadsheet wrote it, and the users that an import makes of it.
  static let csv = FuzzTarget("csv") { bytes throws(Broken) in
    var reader = CSVReader(bytes)
    var rows: [[[UInt8]]] = []
    reading: while true {
      switch Result(catching: { () throws(CSVError) in try reader.next() }) {
      case .success(let row?): rows.append(row.fields)
      case .success(nil): break reading
      case .failure(let error):
        try require(1...1 + bytes.count { $0 == 10 || $0 == 13 } ~= error.line, "it is a line")
        break reading
      }
    }
    try checkWriting(rows)
    // Fields that are any bytes at all.
    try checkWriting([bytes.split(separator: 0, maxSplits: 5).map { Array($0) }])
    try checkImport(of: bytes, as: { UserFile.csv($0, isForTerminal: false) })
  }

  /// What is written reads back to the byte, and on a terminal it is harmless.
  private static func checkWriting(_ rows: [[[UInt8]]]) throws(Broken) {
    // An empty line is none, so that one field that is empty is no row.
    let rows = rows.filter { $0.count > 1 || $0.first?.isEmpty == false }
    var writer = CSVWriter(["heading"])
    var shown = CSVWriter(["heading"], isForTerminal: true)
    for row in rows {
      writer.row(row.map(FieldValue.bytes))
      shown.row(row.map(FieldValue.bytes))
    }
    var reader = CSVReader(writer.bytes)
    _ = try? reader.next()
    for row in rows { try same((try? reader.next())?.fields, row, "the row") }
    try same(try? reader.next(), nil, "the end")
    for line in text(shown.bytes).split(separator: "\r\n") {
      try requireSafe(String(line), "a row")
    }
  }

  /// Users who were read from a file and written again are read as the same users; every complaint
  /// is about a line of the file.
  static func checkImport(
    of bytes: [UInt8], as written: ([UserRecord]) -> [UInt8]
  ) throws(Broken) {
    let moment = UserFile.Moment(now: 1_795_466_205, zone: .utc)
    let file = UserFile(bytes, at: moment)
    let count = 1 + bytes.count { $0 == 10 || $0 == 13 }
    for problem in file.problems {
      try require(1...count ~= problem.line, "\(problem.line) is a line of the file")
      try requireSafe(problem.message, "the complaint")
    }
    let users = written(file.users.map(exported))
    let again = UserFile(users, at: moment)
    try same(again.problems.map(\.message), [], "what is wrong with the users written again")
    try same(written(again.users.map(exported)), users, "the users written again")
  }

  /// A user as they are exported once they have been imported; a plan has a quota.
  private static func exported(_ edit: UserEdit) -> UserRecord {
    let plan = edit.plan.applied(to: nil).map { Plan(name: $0, terms: Terms(quota: 1)) }
    var user = UserRecord(
      edit.name, row: EntitlementRow(user: 1), own: edit.terms.applied(to: Terms()), plan: plan,
      at: 0)
    user.begunAt = nil
    user.entitlement.isEnabled = edit.isEnabled ?? true
    return user
  }
}
