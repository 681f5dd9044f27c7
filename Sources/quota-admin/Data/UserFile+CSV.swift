import CommandSupport
import Ledger
import Quota

extension UserFile {
  /// The columns of a file of users, as quota-admin(8) documents them.
  static let columns = ["name", "enabled", "quota_bytes"]

  /// Users as CSV; every byte of a name is kept.
  static func csv(
    isForTerminal: Bool, _ forEach: ((UserRecord) -> Void) throws -> Void
  ) rethrows -> [UInt8] {
    var csv = CSVWriter(columns, isForTerminal: isForTerminal)
    try forEach { user in
      csv.row([
        .bytes(user.name.bytes), .text(user.standing.isEnabled ? "true" : "false"),
        .number(user.standing.quota),
      ])
    }
    return csv.bytes
  }

  /// Reads CSV whose first row names the columns, in any order; `name` has to be there.
  init(csv bytes: [UInt8]) {
    self.init()
    var reader = CSVReader(bytes)
    do throws(CSVError) {
      guard let heading = try reader.next() else {
        complain(line: 1, "the file is empty")
        return
      }
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
      if !UserFile.columns.contains(name) {
        let near = NearestName.of(Array(name.utf8), among: UserFile.columns)
        let allowed = near.map { "did you mean \($0)?" } ?? "known are: \(UserFile.known)"
        complain(line: line, "there is no column \(Complaint.quoted(name)); \(allowed)")
      } else if names[..<index].contains(name) {
        complain(line: line, "the column \(name) is there twice")
      }
    }
    if !names.contains("name") {
      complain(line: line, "the first row has to name the columns, one of them name")
    }
    return problems.isEmpty
  }

  private static let known = columns.joined(separator: ", ")

  private mutating func take(_ row: CSVReader.Row, _ names: [String]) {
    guard row.fields.count == names.count else {
      return complain(
        line: row.line,
        "there are \(row.fields.count) fields, and the first row names \(names.count)")
    }
    add(line: row.line) { () throws(Complaint) in
      try UserRow(names: names, fields: row.fields).user()
    }
  }
}

/// A row of a file of users.
private struct UserRow {
  let names: [String]
  let fields: [[UInt8]]

  func user() throws(Complaint) -> ImportedUser {
    var user = ImportedUser(name: try UserName(checked: field("name") ?? []))
    user.isEnabled = try truth("enabled")
    user.quota = try amount("quota_bytes")
    return user
  }

  /// What stands in a column; nil where there is no such column, or nothing.
  private func field(_ name: String) -> [UInt8]? {
    guard let index = names.firstIndex(of: name), !fields[index].isEmpty else { return nil }
    return fields[index]
  }

  private func truth(_ name: String) throws(Complaint) -> Bool? {
    guard let field = field(name) else { return nil }
    switch String(decoding: field, as: UTF8.self).lowercased() {
    case "true": return true
    case "false": return false
    default:
      throw Complaint("\(name) is \(Complaint.quoted(bytes: field)); allowed are true and false")
    }
  }

  private func amount(_ name: String) throws(Complaint) -> Int64? {
    guard let field = field(name) else { return nil }
    do throws(ByteSizeError) { return try ByteSize.parse(field.span) } catch {
      throw Complaint("\(name) is \(Complaint.quoted(bytes: field)); \(error)")
    }
  }
}
