import Support

extension UserFile {
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

  /// Reads JSON such as `json` writes; plans may be left out.
  mutating func readJSON(_ bytes: [UInt8]) {
    let document: JSONValue
    do throws(JSONError) { document = try JSONReader.value(of: bytes) } catch {
      return complain(line: error.line, "this is no JSON: there should be \(error.expected)")
    }
    guard let users = document.array("users") else {
      return complain(
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

  /// The fields of an object; nil, and a complaint, where it is none or one of them is not known.
  private mutating func fields(of value: JSONValue, _ known: [String]) -> Fields? {
    guard case .object(let members) = value.content else {
      complain(line: value.line, "this is no object with the fields of a user or a plan")
      return nil
    }
    var fields: [String: Fields.Value] = [:]
    for member in members {
      guard known.contains(member.key), fields[member.key] == nil else {
        complain(
          line: value.line,
          known.contains(member.key)
            ? "the field \(member.key) is there twice"
            : Fields.unknown("field", member.key, known))
        return nil
      }
      guard let text = member.value.field else {
        complain(line: value.line, "\(member.key) is a list or an object")
        return nil
      }
      fields[member.key] = text
    }
    return Fields(fields)
  }
}

extension JSONValue {
  fileprivate func array(_ key: String) -> [JSONValue]? {
    guard case .object(let fields) = content,
      case .array(let elements)? = fields.first(where: { $0.key == key })?.value.content
    else { return nil }
    return elements
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
