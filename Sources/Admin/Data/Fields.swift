import Support
import Ledger
import Quota

/// What a file says of one user or plan, field by field, as texts.
struct Fields {
  /// What a file says of one field.
  enum Value: Equatable {
    /// Nothing: the file has no such field.
    case absent
    /// That there is no value.
    case empty
    case text([UInt8])
  }

  private let values: [String: Value]

  /// The fields of a user, in their order, as quota-admin(8) documents them.
  static let ofUser = ["name", "enabled", "plan"] + terms
  /// The fields of what holds for a user, or of what a plan says.
  static let terms = [
    "quota_bytes", "period", "expires_at", "expires_after_seconds", "from_first_connection",
    "max_sessions", "grace_bytes", "grace_percent", "exempt",
  ]

  init(_ values: [String: Value]) { self.values = values }

  subscript(name: String) -> Value { values[name] ?? .absent }

  /// The edit that a field asks for.
  ///
  /// - Throws: `CommandError` that names the field.
  func edit<Result>(
    _ name: String, _ read: ([UInt8]) throws(CommandError) -> Result
  ) throws(CommandError) -> Edit<Result> {
    switch self[name] {
    case .absent: .keep
    case .empty: .follow
    case .text(let text): .set(try read(text))
    }
  }

  /// A field's value; nil where it has none.
  func value<Result>(
    _ name: String, _ read: ([UInt8]) throws(CommandError) -> Result
  ) throws(CommandError) -> Result? {
    guard case .text(let text) = self[name] else { return nil }
    return try read(text)
  }

  /// A size, such as bytes.
  func amount(_ name: String) throws(CommandError) -> Edit<Int64> {
    try edit(name) { text throws(CommandError) in
      do throws(ByteSizeError) { return try ByteSize.parse(text.span) } catch {
        throw Fields.wrong(name, text, "\(error)")
      }
    }
  }

  /// A whole number.
  func number(_ name: String, _ allowed: ClosedRange<Int64>) throws(CommandError) -> Edit<Int64> {
    try edit(name) { text throws(CommandError) in
      guard let number = Int64(String(decoding: text, as: UTF8.self)), allowed ~= number else {
        let range = "\(allowed.lowerBound) to \(allowed.upperBound)"
        throw Fields.wrong(name, text, "allowed are whole numbers from \(range)")
      }
      return number
    }
  }

  /// True or false.
  func truth(_ name: String) throws(CommandError) -> Edit<Bool> {
    try edit(name) { text throws(CommandError) in
      switch String(decoding: text, as: UTF8.self).lowercased() {
      case "true": return true
      case "false": return false
      default: throw Fields.wrong(name, text, "allowed are true and false")
      }
    }
  }

  /// A complaint about a field.
  static func wrong(_ name: String, _ text: [UInt8], _ allowed: String) -> CommandError {
    CommandError("\(name) is \(CommandError.quoted(bytes: text)); \(allowed)")
  }

  /// A complaint about a field that nothing knows.
  static func unknown(_ what: String, _ name: String, _ known: [String]) -> String {
    let near = NearestName.of(Array(name.utf8), among: known)
    let allowed =
      near.map { "did you mean \($0)?" } ?? "known are: \(known.joined(separator: ", "))"
    return "there is no \(what) \(CommandError.quoted(name)); \(allowed)"
  }
}

extension Edit {
  /// The value that is set; nil for none.
  var newValue: Value? { if case .set(let value) = self { value } else { nil } }
}
