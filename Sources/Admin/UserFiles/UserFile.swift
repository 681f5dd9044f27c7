import Support
import Ledger
import Quota

struct UserFile {
  private(set) var users: [UserEdit] = []
  private(set) var plans: [Plan] = []
  /// What is wrong, in the order of the file.
  private(set) var problems: [Problem] = []
  /// The lines with names that are no UTF-8, which are taken byte by byte.
  private(set) var foreignLines: [Int] = []
  private var userLines: [Int] = []
  private var planLines: [Int] = []
  private var lines: [UserName: Int] = [:]
  let moment: Moment

  /// Something wrong with a file, and the line it is on; the first line is 1.
  struct Problem: Equatable {
    let line: Int
    let message: String
  }

  struct Moment {
    let now: Int64
    let zone: Zone
  }

  /// Reads a file in either format, as UTF-8 or UTF-16: JSON begins with a bracket.
  init(_ bytes: [UInt8], at moment: Moment) {
    self.moment = moment
    guard let text = UserFile.utf8(bytes) else {
      addProblem(line: 1, "this is UTF-16 and damaged; save it as UTF-8")
      return
    }
    switch text.first(where: { $0 != 32 && $0 != 9 && $0 != 10 && $0 != 13 }) {
    case nil: addProblem(line: 1, "the file is empty")
    case UInt8(ascii: "{"), UInt8(ascii: "["): readJSON(text)
    default: readCSV(text)
    }
  }

  /// Takes a user up, unless the file has them already.
  mutating func addUser(line: Int, _ fields: Fields) {
    do throws(CommandError) {
      let user = try UserEdit(fields, at: moment)
      if let earlier = lines[user.name] {
        throw CommandError("\(user.name.forPeople) is on line \(earlier) already")
      }
      lines[user.name] = line
      users.append(user)
      userLines.append(line)
    } catch {
      addProblem(line: line, error.message)
    }
  }

  mutating func addPlan(line: Int, _ fields: Fields) {
    do throws(CommandError) {
      plans.append(try Plan(fields, at: moment))
      planLines.append(line)
    } catch {
      addProblem(line: line, error.message)
    }
  }

  mutating func addProblem(line: Int, _ message: String) {
    problems.append(Problem(line: line, message: message))
  }

  /// Takes up what the ledger has against the users and plans.
  mutating func addProblem(of error: ImportError) {
    switch error {
    case .users(let refused):
      for (place, error) in refused {
        addProblem(line: userLines[place], CommandError(error).message)
      }
    case .plan(let place, let error):
      addProblem(line: planLines[place], CommandError(error).message)
    }
  }
}

extension UserFile {
  /// A text as UTF-8 without a byte order mark; nil for UTF-16 that is none.
  ///
  /// UTF-16, as a spreadsheet's "Unicode text" is, begins with a mark, or every other byte is zero.
  static func utf8(_ bytes: [UInt8]) -> [UInt8]? {
    let isLittle: Bool
    switch (bytes.first, bytes.dropFirst().first) {
    case (0xEF, 0xBB) where bytes.dropFirst(2).first == 0xBF: return Array(bytes.dropFirst(3))
    case (0xFF, 0xFE): isLittle = true
    case (0xFE, 0xFF): isLittle = false
    case (0?, let second?) where second != 0: isLittle = false
    case (let first?, 0?) where first != 0: isLittle = true
    default: return bytes
    }
    guard bytes.count % 2 == 0 else { return nil }
    let units = stride(from: 0, to: bytes.count, by: 2).map { index in
      let (high, low) = isLittle ? (index + 1, index) : (index, index + 1)
      return UInt16(bytes[high]) << 8 | UInt16(bytes[low])
    }
    let text = units.first == 0xFEFF ? units[1...] : units[...]
    return String(validating: text, as: UTF16.self).map { Array($0.utf8) }
  }

  /// Reads CSV whose first row names the columns, in any order; `name` has to be there.
  mutating func readCSV(_ bytes: [UInt8]) {
    var reader = CSVReader(bytes)
    do throws(CSVError) {
      guard let heading = try reader.next() else { return addProblem(line: 1, "the file is empty") }
      let names = heading.fields.map { String(decoding: $0, as: UTF8.self) }
      guard check(names, line: heading.line) else { return }
      while let row = try reader.next() { take(row, names) }
    } catch {
      addProblem(line: error.line, error.kind.rawValue)
    }
  }

  private mutating func check(_ names: [String], line: Int) -> Bool {
    for (index, name) in names.enumerated() {
      if !Fields.ofUser.contains(name) {
        addProblem(line: line, Fields.unknown("column", name, Fields.ofUser))
      } else if names[..<index].contains(name) {
        addProblem(line: line, "the column \(name) is there twice")
      }
    }
    if !names.contains("name") {
      addProblem(line: line, "the first row has to name the columns, one of them name")
    }
    return problems.isEmpty
  }

  private mutating func take(_ row: CSVReader.Row, _ names: [String]) {
    guard row.fields.count == names.count else {
      return addProblem(
        line: row.line,
        "there are \(row.fields.count) fields, and the first row names \(names.count)")
    }
    if let name = names.firstIndex(of: "name"), !UserName(bytes: row.fields[name]).isText {
      foreignLines.append(row.line)
    }
    let values = zip(names, row.fields).map { name, field in
      (name, field.isEmpty ? Fields.Value.empty : .text(field))
    }
    addUser(line: row.line, Fields(Dictionary(uniqueKeysWithValues: values)))
  }

  /// Reads JSON such as `json` writes; plans may be left out, and then all but the list of users.
  mutating func readJSON(_ bytes: [UInt8]) {
    let document: JSONValue
    do throws(JSONError) { document = try JSONReader.value(of: bytes) } catch {
      return addProblem(line: error.line, "this is no JSON: there should be \(error.expected)")
    }
    guard let users = document.elements ?? document.array("users") else {
      return addProblem(
        line: document.line, "there is no array users in the outermost object")
    }
    for plan in document.array("plans") ?? [] {
      if let fields = fields(of: plan, ["name"] + Fields.terms) {
        addPlan(line: plan.line, fields)
      }
    }
    for user in users {
      if let fields = fields(of: user, Fields.ofUser + ["name_hex"]) {
        addUser(line: user.line, fields)
      }
    }
  }

  /// The fields of an object; nil, and a problem, where it is none or one of them is not known.
  private mutating func fields(of value: JSONValue, _ known: [String]) -> Fields? {
    guard case .object(let members) = value.content else {
      addProblem(line: value.line, "this is no object with the fields of a user or a plan")
      return nil
    }
    var fields: [String: Fields.Value] = [:]
    for member in members {
      guard known.contains(member.key), fields[member.key] == nil else {
        addProblem(
          line: value.line,
          known.contains(member.key)
            ? "the field \(member.key) is there twice"
            : Fields.unknown("field", member.key, known))
        return nil
      }
      guard let text = member.value.field else {
        addProblem(line: value.line, "\(member.key) is a list or an object")
        return nil
      }
      fields[member.key] = text
    }
    return Fields(fields)
  }
}

extension JSONValue {
  fileprivate var elements: [JSONValue]? {
    if case .array(let elements) = content { elements } else { nil }
  }

  fileprivate func array(_ key: String) -> [JSONValue]? {
    guard case .object(let fields) = content else { return nil }
    return fields.first { $0.key == key }?.value.elements
  }

  /// The value as that of a field; nil for one that has values inside.
  fileprivate var field: Fields.Value? {
    switch content {
    case .null: .empty
    case .truth(let truth): .text(Array("\(truth)".utf8))
    case .number(let number): .text(Array(number.utf8))
    case .text(let text): .text(Array(text.utf8))
    case .array, .object: nil
    }
  }
}
