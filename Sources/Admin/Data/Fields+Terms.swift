import Support
import Ledger
import Quota

extension ImportedUser {
  /// The user that fields are of.
  init(_ fields: Fields, at moment: UserFile.Moment) throws(CommandError) {
    self.init(name: try fields.userName())
    isEnabled = try fields.truth("enabled").newValue
    terms = try fields.terms(at: moment)
    switch fields["plan"] {
    case .absent: plan = .same
    case .empty: plan = .none
    case .text(let name): plan = .named(try PlanName.parse(String(decoding: name, as: UTF8.self)))
    }
  }
}

extension ImportedPlan {
  /// The plan that fields are of.
  init(_ fields: Fields, at moment: UserFile.Moment) throws(CommandError) {
    let name = try fields.value("name") { text throws(CommandError) in
      try PlanName.parse(String(decoding: text, as: UTF8.self))
    }
    guard let name else { throw CommandError("name is missing") }
    self.init(name: name, terms: try fields.terms(at: moment).applied(to: Terms()))
  }
}

extension Fields {
  fileprivate func userName() throws(CommandError) -> UserName {
    let name = try value("name_hex") { digits throws(CommandError) in
      guard let bytes = [UInt8](hexadecimal: String(decoding: digits, as: UTF8.self)) else {
        throw Fields.wrong("name_hex", digits, "allowed are pairs of hexadecimal digits")
      }
      return bytes
    }
    if let name { return try UserName(checked: name) }
    if self["name"] == .absent { throw CommandError("name is missing") }
    return try UserName(checked: try value("name") { text throws(CommandError) in text } ?? [])
  }

  /// What is to hold of the terms.
  func terms(at moment: UserFile.Moment) throws(CommandError) -> TermsEdit {
    var edit = TermsEdit()
    edit.quota = try amount("quota_bytes")
    edit.period = try period(at: moment)
    edit.lifetime = try lifetime(at: moment)
    edit.maxSessions = try number("max_sessions", 0...1_000_000)
    edit.grace = try grace()
    edit.isExempt = try truth("exempt")
    return edit
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

/// The second that a UTC time such as `2026-11-23T20:36:45Z` is; nil for anything else.
func time(iso text: String) -> Int64? {
  let parts = text.split(separator: "T", omittingEmptySubsequences: false)
  guard parts.count == 2, parts[1].hasSuffix("Z"), let day = Day.parse(String(parts[0])) else {
    return nil
  }
  let clock = parts[1].dropLast().split(separator: ":", omittingEmptySubsequences: false)
    .map { $0.utf8.count == 2 && $0.utf8.allSatisfy { 48...57 ~= $0 } ? Int64($0) : nil }
  guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2],
    hour < 24, minute < 60, second < 60
  else { return nil }
  return day.number * 86_400 + hour * 3600 + minute * 60 + second
}
