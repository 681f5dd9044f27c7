import CommandSupport
import Ledger

extension UserFile {
  /// Users as JSON, one a line.
  static func json(_ forEach: ((UserRecord) -> Void) throws -> Void) rethrows -> [UInt8] {
    var json = JSONWriter()
    try json.object { json in
      try json.array("users") { json in
        try forEach { user in
          json.object { json in
            json.name(user.name)
            json.field("enabled", user.standing.isEnabled)
            json.field("quota_bytes", user.standing.quota)
          }
        }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// Reads JSON such as `json` writes.
  init(json bytes: [UInt8]) {
    self.init()
    do throws(JSONError) {
      let document = try JSONReader.value(of: bytes)
      guard case .object(let fields) = document.content,
        case .array(let users)? = fields.first(where: { $0.key == "users" })?.value.content
      else {
        complain(line: document.line, "there is no array users in the outermost object")
        return
      }
      for user in users {
        add(line: user.line) { () throws(Complaint) in try UserObject(user).user() }
      }
    } catch {
      complain(line: error.line, "this is no JSON: there should be \(error.expected)")
    }
  }
}

/// An object with the fields of a user.
private struct UserObject {
  private let fields: [JSONValue.Field]

  private static let known = ["name", "name_hex", "enabled", "quota_bytes"]

  init(_ value: JSONValue) throws(Complaint) {
    guard case .object(let fields) = value.content else {
      throw Complaint("this is no object with the fields of a user")
    }
    self.fields = fields
    for (index, field) in fields.enumerated() {
      if !UserObject.known.contains(field.key) {
        let near = NearestName.of(Array(field.key.utf8), among: UserObject.known)
        let allowed =
          near.map { "did you mean \($0)?" }
          ?? "known are: \(UserObject.known.joined(separator: ", "))"
        throw Complaint("there is no field \(Complaint.quoted(field.key)); \(allowed)")
      }
      if fields[..<index].contains(where: { $0.key == field.key }) {
        throw Complaint("the field \(field.key) is there twice")
      }
    }
  }

  func user() throws(Complaint) -> ImportedUser {
    var user = ImportedUser(name: try name())
    user.isEnabled = try truth("enabled")
    user.quota = try amount("quota_bytes")
    return user
  }

  private func name() throws(Complaint) -> UserName {
    if let digits = try text("name_hex") {
      guard let bytes = [UInt8](hexadecimal: digits) else {
        throw Complaint(
          "name_hex is \(Complaint.quoted(digits)); allowed are pairs of hexadecimal digits")
      }
      return try UserName(checked: bytes)
    }
    guard let name = try text("name") else { throw Complaint("name is missing") }
    return try UserName(checked: Array(name.utf8))
  }

  /// A field's value; nil where there is no such field, or null.
  private func value(_ name: String) -> JSONValue.Content? {
    let content = fields.first { $0.key == name }?.value.content
    return content == .null ? nil : content
  }

  private func text(_ name: String) throws(Complaint) -> String? {
    switch value(name) {
    case nil: return nil
    case .text(let text): return text
    default: throw Complaint("\(name) is no text in quotes")
    }
  }

  private func truth(_ name: String) throws(Complaint) -> Bool? {
    switch value(name) {
    case nil: return nil
    case .truth(let truth): return truth
    default: throw Complaint("\(name) is neither true nor false")
    }
  }

  private func amount(_ name: String) throws(Complaint) -> Int64? {
    guard let value = value(name) else { return nil }
    guard case .number(let digits) = value, let amount = Int64(digits), amount >= 0 else {
      throw Complaint("\(name) is no whole number from 0 to \(Int64.max)")
    }
    return amount
  }
}
