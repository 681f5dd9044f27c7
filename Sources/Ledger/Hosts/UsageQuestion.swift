import Quota
import Support

/// What the centre is asked of days, for reports: what was moved, added up. quota-admin writes it for
/// `quota-sync --usage`, a line each.
package struct UsageQuestion: Equatable, Sendable {
  /// What a row of the answer is about.
  package enum Part: String, Sendable { case user, day, host }

  package let days: ClosedRange<Day>
  /// The uids of those it is about; nil for everybody.
  package let users: [String]?
  /// A row for each user, day or host, or for each of their combinations; without any, one for all.
  package let parts: Set<Part>

  package init(days: ClosedRange<Day>, users: [String]? = nil, by parts: Set<Part>) {
    self.days = days
    self.users = users
    self.parts = parts
  }

  /// The question as a line of JSON.
  package var line: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.field("first", days.lowerBound.number)
      json.field("last", days.upperBound.number)
      json.field("by", parts.map(\.rawValue).sorted().joined(separator: ","))
      json.field("users", users?.joined(separator: ","))
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// Reads what `line` writes; nil for anything else.
  package init?(line: [UInt8]) {
    guard let values = lineValues(of: line), let first = values["first"].flatMap({ Int64($0) }),
      let last = values["last"].flatMap({ Int64($0) }), first <= last, let by = values["by"]
    else { return nil }
    var parts: Set<Part> = []
    for word in by.split(separator: ",") {
      guard let part = Part(rawValue: String(word)) else { return nil }
      parts.insert(part)
    }
    self.init(
      days: Day(number: first)...Day(number: last),
      users: values["users"].map { $0.split(separator: ",").map(String.init) }, by: parts)
  }
}

/// A row of the answer to a question.
package struct UsageAnswer: Equatable, Sendable {
  /// Which question it answers; the first is 0.
  package let question: Int
  /// The uid, where a row is about one user, and what the user is called there: nil where the centre does
  /// not know them any more.
  package var user: String?
  package var owner: Owner?
  package var day: Day?
  package var host: String?
  package let traffic: Traffic

  package init(question: Int, traffic: Traffic) {
    self.question = question
    self.traffic = traffic
  }

  /// The row as a line of JSON.
  package var line: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.field("question", Int64(question))
      if let user { json.field("user", user) }
      if let owner {
        json.field("name", Escaping.name(owner.name.bytes))
        json.field("removed", owner.isRemoved)
      }
      if let day { json.field("day", day.number) }
      if let host { json.field("host", host) }
      json.field("received", traffic.received)
      json.field("sent", traffic.sent)
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// Reads what `line` writes; nil for anything else.
  package init?(line: [UInt8]) {
    guard let values = lineValues(of: line), let question = values["question"].flatMap({ Int($0) }),
      let received = values["received"].flatMap({ Int64($0) }),
      let sent = values["sent"].flatMap({ Int64($0) }), received >= 0, sent >= 0
    else { return nil }
    self.init(question: question, traffic: Traffic(received: received, sent: sent))
    user = values["user"]
    owner = values["name"].map { name in
      Owner(
        name: UserName(bytes: Escaping.bytes(ofName: Array(name.utf8))),
        isRemoved: values["removed"] == "true")
    }
    day = values["day"].flatMap { Int64($0) }.map { Day(number: $0) }
    host = values["host"]
  }
}

/// The fields of one JSON object, as texts; nil for anything else.
private func lineValues(of line: [UInt8]) -> [String: String]? {
  guard let value = try? JSONReader.value(of: line), case .object(let fields) = value.content
  else { return nil }
  var values: [String: String] = [:]
  for field in fields {
    switch field.value.content {
    case .text(let text), .number(let text): values[field.key] = text
    case .truth(let truth): values[field.key] = "\(truth)"
    case .null: break
    default: return nil
    }
  }
  return values
}
