import Support
import Ledger

extension UserFile {
  /// Users as CSV; every byte of a name is kept.
  static func csv(_ users: [UserRecord], isForTerminal: Bool) -> [UInt8] {
    var csv = CSVWriter(Fields.ofUser, isForTerminal: isForTerminal)
    for user in users {
      csv.row(
        [.bytes(user.name.bytes), .text("\(user.entitlement.isEnabled)"), .init(user.plan?.name)]
          + ExportedTerms(user.exportedTerms).fields.map { .init($0) })
    }
    return csv.bytes
  }

  /// Reads CSV whose first row names the columns, in any order; `name` has to be there.
  mutating func readCSV(_ bytes: [UInt8]) {
    var reader = CSVReader(bytes)
    do throws(CSVError) {
      guard let heading = try reader.next() else { return complain(line: 1, "the file is empty") }
      let names = heading.fields.map { String(decoding: $0, as: UTF8.self) }
      guard check(names, line: heading.line) else { return }
      while let row = try reader.next() { take(row, names) }
    } catch {
      let message = error.description.split(separator: ": ", maxSplits: 1).last ?? ""
      complain(line: error.line, String(message))
    }
  }

  private mutating func check(_ names: [String], line: Int) -> Bool {
    for (index, name) in names.enumerated() {
      if !Fields.ofUser.contains(name) {
        complain(line: line, Fields.unknown("column", name, Fields.ofUser))
      } else if names[..<index].contains(name) {
        complain(line: line, "the column \(name) is there twice")
      }
    }
    if !names.contains("name") {
      complain(line: line, "the first row has to name the columns, one of them name")
    }
    return problems.isEmpty
  }

  private mutating func take(_ row: CSVReader.Row, _ names: [String]) {
    guard row.fields.count == names.count else {
      return complain(
        line: row.line,
        "there are \(row.fields.count) fields, and the first row names \(names.count)")
    }
    let values = zip(names, row.fields).map { name, field in
      (name, field.isEmpty ? Fields.Value.empty : .text(field))
    }
    addUser(line: row.line, Fields(Dictionary(uniqueKeysWithValues: values)))
  }
}

extension CSVWriter.Field {
  fileprivate init(_ text: String?) { self = text.map(Self.text) ?? .empty }

  fileprivate init(_ value: ExportedValue) {
    switch value {
    case .none: self = .empty
    case .text(let text): self = .text(text)
    case .number(let number): self = .number(number)
    case .truth(let truth): self = .text("\(truth)")
    }
  }
}
