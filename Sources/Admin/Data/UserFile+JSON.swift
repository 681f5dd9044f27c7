import Support
import Ledger

extension UserFile {
  /// Plans and users as JSON, one a line.
  static func json(_ users: [UserRecord], plans: [Plan]) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.array("plans") { json in
        for plan in plans {
          json.object { json in
            json.field("name", plan.name)
            json.fields(of: ExportedTerms(plan.terms))
          }
        }
      }
      json.array("users") { json in
        for user in users {
          json.object { json in
            json.name(user.name)
            json.field("enabled", user.entitlement.isEnabled)
            json.field("plan", user.plan?.name)
            json.fields(of: ExportedTerms(user.exportedTerms))
          }
        }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
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

extension JSONWriter {
  fileprivate mutating func fields(of terms: ExportedTerms) {
    for (name, value) in zip(Fields.terms, terms.fields) {
      switch value {
      case .none: field(name, String?.none)
      case .text(let text): field(name, text)
      case .number(let number): field(name, number)
      case .truth(let truth): field(name, truth)
      }
    }
  }
}
