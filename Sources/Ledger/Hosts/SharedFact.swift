import Quota
import Support

/// What several hosts have in common: a user with their own terms, a plan, or a grant. A fact that is
/// removed stays one. Usage is no shared fact: each host has its own.
package struct SharedFact: Equatable, Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    /// A fact comes before those that name it.
    case plan, user, grant
  }

  package let kind: Kind
  /// The name of a plan, the uid of a user (32 random hexadecimal digits), or of a grant its user's uid, a
  /// slash and its number.
  package let key: String
  /// What no two users may have in common: the name as `NAMES` has it. Nil for a user who was removed,
  /// and for everything that is no user.
  package var uniqueName: [UInt8]?
  /// What is said of it. Keys that this version does not know are kept as they are.
  package var content: [String: String]
  package var isRemoved: Bool
  /// The version in which the centre has it; of a change, the one that is to be changed. 0 for what
  /// the centre does not have yet.
  package var version: Int64

  package init(
    kind: Kind, key: String, uniqueName: [UInt8]? = nil, content: [String: String],
    isRemoved: Bool = false, version: Int64
  ) {
    self.kind = kind
    self.key = key
    self.uniqueName = uniqueName
    self.content = content
    self.isRemoved = isRemoved
    self.version = version
  }

  /// The plan that a user follows.
  package var plan: String? { content["plan"] }

  /// The uid of the user whom a fact is about; nil for a plan.
  package var user: String? {
    switch kind {
    case .plan: nil
    case .user: key
    case .grant: String(key.prefix { $0 != "/" })
    }
  }
}

// MARK: As text

extension SharedFact {
  /// The content as one JSON object of texts, its keys in order, without a line end.
  package var contentText: String {
    String(decoding: SharedFact.json(content).bytes, as: UTF8.self)
  }

  /// The content that such an object has; nil for anything else.
  package static func content(ofText text: String) -> [String: String]? {
    guard let value = try? JSONReader.value(of: Array(text.utf8)) else { return nil }
    return texts(in: value.content)
  }

  /// The fact as a line of JSON, as `quota-sync --change` reads it.
  package var line: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.field("kind", kind.rawValue)
      json.field("key", key)
      json.field("name", uniqueName.map { Escaping.name($0) })
      json.field("removed", isRemoved)
      json.field("version", version)
      json.field("content", contentText)
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// Reads what `line` writes; nil for anything else.
  package init?(line: [UInt8]) {
    guard let value = try? JSONReader.value(of: line), case .object(let fields) = value.content
    else {
      return nil
    }
    var (texts, isRemoved, version) = ([String: String](), false, Int64?.none)
    for field in fields {
      switch (field.key, field.value.content) {
      case ("removed", .truth(let truth)): isRemoved = truth
      case ("version", .number(let number)): version = Int64(number)
      case (let key, .text(let text)): texts[key] = text
      default: break
      }
    }
    guard let kind = texts["kind"].flatMap(Kind.init(rawValue:)), let key = texts["key"],
      let content = texts["content"].flatMap(SharedFact.content(ofText:)), let version
    else { return nil }
    self.init(
      kind: kind, key: key,
      uniqueName: texts["name"].map { Escaping.bytes(ofName: Array($0.utf8)) }, content: content,
      isRemoved: isRemoved, version: version)
  }

  private static func json(_ content: [String: String]) -> JSONWriter {
    var json = JSONWriter()
    json.object { json in
      for (key, value) in content.sorted(by: { $0.key < $1.key }) { json.field(key, value) }
    }
    return json
  }

  private static func texts(in content: JSONValue.Content) -> [String: String]? {
    guard case .object(let fields) = content else { return nil }
    var texts: [String: String] = [:]
    for field in fields {
      guard case .text(let text) = field.value.content else { return nil }
      texts[field.key] = text
    }
    return texts
  }
}
