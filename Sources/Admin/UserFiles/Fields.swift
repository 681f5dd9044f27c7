import Ledger
import Quota
import Support
import System

/// What a file says of one user or plan, field by field, as texts.
struct Fields {
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
  static let terms = Terms.columns.flatMap(\.keys)

  init(_ values: [String: Value]) { self.values = values }

  subscript(name: String) -> Value { values[name] ?? .absent }

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

  func amount(_ name: String) throws(CommandError) -> Edit<Int64> {
    try edit(name) { text throws(CommandError) in
      do throws(ByteSizeError) { return try ByteSize.parse(text.span) } catch {
        throw Fields.wrong(name, text, "\(error)")
      }
    }
  }

  func number(_ name: String, _ allowed: ClosedRange<Int64>) throws(CommandError) -> Edit<Int64> {
    try edit(name) { text throws(CommandError) in
      guard let number = Int64(String(decoding: text, as: UTF8.self)), allowed ~= number else {
        let range = "\(allowed.lowerBound) to \(allowed.upperBound)"
        throw Fields.wrong(name, text, "allowed are whole numbers from \(range)")
      }
      return number
    }
  }

  func truth(_ name: String) throws(CommandError) -> Edit<Bool> {
    try edit(name) { text throws(CommandError) in
      switch String(decoding: text, as: UTF8.self).lowercased() {
      case "true": return true
      case "false": return false
      default: throw Fields.wrong(name, text, "allowed are true and false")
      }
    }
  }

  static func wrong(_ name: String, _ text: [UInt8], _ allowed: String) -> CommandError {
    CommandError("\(name) is \(CommandError.quoted(bytes: text)); \(allowed)")
  }

  /// What is wrong: a field that nothing knows.
  static func unknown(_ what: String, _ name: String, _ known: [String]) -> String {
    let allowed =
      CommandError.didYouMean(Array(name.utf8), among: known)
      ?? "known are: \(known.joined(separator: ", "))"
    return "there is no \(what) \(CommandError.quoted(name)); \(allowed)"
  }
}

extension Edit {
  var newValue: Value? { if case .set(let value) = self { value } else { nil } }
}

extension UserEdit {
  init(_ fields: Fields, at moment: UserFile.Moment) throws(CommandError) {
    self.init(name: try fields.userName())
    isEnabled = try fields.truth("enabled").newValue
    terms = try fields.terms(at: moment)
    switch fields["plan"] {
    case .absent: plan = .keep
    case .empty: plan = .follow
    case .text(let name): plan = .set(try planName(argument: String(decoding: name, as: UTF8.self)))
    }
  }
}

extension Plan {
  init(_ fields: Fields, at moment: UserFile.Moment) throws(CommandError) {
    let name = try fields.value("name") { text throws(CommandError) in
      try planName(argument: String(decoding: text, as: UTF8.self))
    }
    guard let name else { throw CommandError("name is missing") }
    self.init(name: name, terms: try fields.terms(at: moment).applied(to: Terms()))
  }
}

extension Fields {
  fileprivate func userName() throws(CommandError) -> UserName {
    let name = try value("name_hex") { digits throws(CommandError) in
      guard let bytes = System.bytes(ofHexadecimal: digits) else {
        throw Fields.wrong("name_hex", digits, "allowed are pairs of hexadecimal digits")
      }
      return bytes
    }
    if let name { return try UserName(checked: name) }
    if self["name"] == .absent { throw CommandError("name is missing") }
    return try UserName(checked: try value("name") { text throws(CommandError) in text } ?? [])
  }

  func terms(at moment: UserFile.Moment) throws(CommandError) -> TermsEdit {
    var edit = TermsEdit()
    edit.quota = try amount("quota_bytes")
    edit.period = try period(at: moment)
    edit.lifetime = try lifetime(at: moment)
    edit.maxSessions = try number("max_sessions", 0...1_000_000)
    edit.grace = try grace()
    edit.isExempt = try truth("exempt")
    edit.rate = try rate("rate", or: "none")
    edit.thenRate = try rate("then_rate", or: "cut")
    return edit
  }

  private func rate(_ name: String, or none: String) throws(CommandError) -> Edit<RateTerm> {
    try edit(name) { text throws(CommandError) in
      try RateTerm(argument: String(decoding: text, as: UTF8.self), or: none, of: name)
    }
  }

  /// A period as it is stored, or as it is typed.
  private func period(at moment: UserFile.Moment) throws(CommandError) -> Edit<Period> {
    try edit("period") { text throws(CommandError) in
      let text = String(decoding: text, as: UTF8.self)
      if let stored = Period(text: text) { return stored }
      let today = Day(of: moment.now, in: moment.zone)
      do throws(PeriodError) {
        return try Period.parse(text, resetDay: nil, today: today)
      } catch {
        throw CommandError("period: \(error)")
      }
    }
  }

  private func lifetime(at moment: UserFile.Moment) throws(CommandError) -> Edit<Lifetime> {
    let end = try edit("expires_at") { text throws(CommandError) in
      let text = String(decoding: text, as: UTF8.self)
      if let time = time(iso: text) { return Lifetime.until(time) }
      return try Lifetime(argument: text, false, at: moment.now, in: moment.zone)
    }
    let seconds = try number("expires_after_seconds", 1...Int64.max)
    let isFromFirst = try truth("from_first_connection").newValue ?? false
    switch (end, seconds) {
    case (.set, .set): throw CommandError("expires_at and expires_after_seconds exclude each other")
    case (.set, _): return end
    case (_, .set(let seconds)):
      return .set(.lasting(seconds, from: isFromFirst ? .firstConnection : .atOnce))
    case (.keep, .keep): return .keep
    default: return .follow
    }
  }

  private func grace() throws(CommandError) -> Edit<Grace> {
    let bytes = try amount("grace_bytes")
    let percent = try number("grace_percent", Grace.percentages)
    if bytes.newValue != nil || percent.newValue != nil {
      return .set(Grace(bytes: bytes.newValue ?? 0, percent: percent.newValue ?? 0))
    }
    return bytes == .keep && percent == .keep ? .keep : .follow
  }
}

extension UserFile {
  /// Users as CSV; every byte of a name is kept.
  static func csv(_ users: [UserRecord], isForTerminal: Bool) -> [UInt8] {
    Listing("users", users, [.bytes(key: "name") { $0.name.bytes }] + columns)
      .csv(isForTerminal: isForTerminal)
  }

  /// Plans and users as JSON, one a line.
  static func json(_ users: [UserRecord], plans: [Plan]) -> [UInt8] {
    JSONWriter.document { json in
      json.list(
        "plans", plans, [.text(key: "name") { $0.name }, .part(Terms.columns) { $0.terms }])
      json.list("users", users, [.user { $0.name }] + columns)
    }
  }

  private static var columns: [Column<UserRecord>] {
    [
      .flag(key: "enabled") { $0.entitlement.isEnabled },
      .text(key: "plan") { $0.plan?.name },
      .part(Terms.columns) { $0.exportedTerms },
    ]
  }
}

extension Terms {
  /// What holds for a user, or what a plan says, as quota-admin(8) documents the fields; nothing
  /// where the plan, or the default, holds.
  static var columns: [Column<Terms>] {
    [
      .size(key: "quota_bytes") { $0.quota },
      .text(key: "period") { $0.period.map { $0.text ?? "none" } },
      .text(key: "expires_at") { terms in
        switch terms.lifetime {
        case .unlimited: "never"
        case .until(let time): isoTime(time)
        case .lasting, nil: nil
        }
      },
      .number(key: "expires_after_seconds") { $0.lifetime?.lasting?.seconds },
      .flag(key: "from_first_connection") { $0.lifetime?.lasting?.isFromFirst },
      .number(key: "max_sessions") { $0.maxSessions },
      .size(key: "grace_bytes") { $0.grace?.bytes },
      .number(key: "grace_percent") { $0.grace?.percent },
      .flag(key: "exempt") { $0.isExempt },
      .text(key: "rate") { $0.rate?.words(for: "none") },
      .text(key: "then_rate") { $0.thenRate?.words(for: "cut") },
    ]
  }
}

extension Lifetime {
  fileprivate var lasting: (seconds: Int64, isFromFirst: Bool)? {
    guard case .lasting(let seconds, let beginning) = self else { return nil }
    return (seconds, beginning == .firstConnection)
  }
}
