import Quota
import Support

/// What the centre is asked for reports. quota-admin writes it for `quota-sync --usage`, a line each.
package enum UsageQuestion: Equatable, Sendable {
  /// What was moved on days by users with these uids (nil for everybody), added up: a row for each user,
  /// day or host, or for each of their combinations; without any, one for all.
  case days(ClosedRange<Day>, users: [String]? = nil, by: Set<Part>)
  /// What each user used on each host in the last period that any of them told of, and their live sessions.
  case periods
  /// The hosts, and when they were heard.
  case hosts

  /// What a row is about.
  package enum Part: String, Sendable { case user, day, host }

  /// The question as a line of JSON.
  package var line: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      switch self {
      case .days(let days, let users, let parts):
        json.field("of", "days")
        json.field("first", days.lowerBound.number)
        json.field("last", days.upperBound.number)
        json.field("by", parts.map(\.rawValue).sorted().joined(separator: ","))
        json.field("users", users?.joined(separator: ","))
      case .periods: json.field("of", "periods")
      case .hosts: json.field("of", "hosts")
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// Reads what `line` writes; nil for anything else.
  package init?(line: [UInt8]) {
    guard let values = lineValues(of: line) else { return nil }
    switch values["of"] {
    case "periods": self = .periods
    case "hosts": self = .hosts
    case "days":
      guard let first = values["first"].flatMap({ Int64($0) }),
        let last = values["last"].flatMap({ Int64($0) }), first <= last, let by = values["by"]
      else { return nil }
      var parts: Set<Part> = []
      for word in by.split(separator: ",") {
        guard let part = Part(rawValue: String(word)) else { return nil }
        parts.insert(part)
      }
      self = .days(
        Day(number: first)...Day(number: last),
        users: values["users"].map { $0.split(separator: ",").map(String.init) }, by: parts)
    default: return nil
    }
  }
}

/// A row of the answer to a question.
package struct UsageAnswer: Sendable {
  /// Which question it answers; the first is 0.
  package let question: Int
  /// The uid, where a row is about one user, and what the user is called there: nil where the centre does
  /// not know them any more.
  package var user: String?
  package var owner: Owner?
  package var day: Day?
  package var host: String?
  /// Where it is about a period: its beginning, in seconds since 1970 in UTC, and the user's live sessions.
  package var period: (start: Int64, sessions: Int64)?
  /// Where it is about a host: seconds since it was heard; nil for one that left.
  package var age: Int64?
  package let traffic: Traffic

  package init(question: Int, traffic: Traffic = Traffic()) {
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
      if let period {
        json.field("period", period.start)
        json.field("sessions", period.sessions)
      }
      if let age { json.field("age", age) }
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
    age = values["age"].flatMap { Int64($0) }
    if let start = values["period"].flatMap({ Int64($0) }),
      let sessions = values["sessions"].flatMap({ Int64($0) })
    {
      period = (start, sessions)
    }
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
