import Ledger
import Quota
import Support

/// How amounts, moments and terms are told to people, by the settings.
package struct Words {
  let zone: Zone
  private(set) var rules: Rules
  let units: ByteUnits

  /// - Parameter isUnheard: see `Rules`; the settings do not say it.
  package init(_ settings: Settings, isUnheard: Bool = false) {
    (zone, rules, units) = (settings.zone, settings.rules, settings.units)
    rules.isUnheard = isUnheard
  }

  func size(_ bytes: Int64) -> String { ByteSize.format(bytes, in: units) }

  func quota(_ bytes: Int64) -> String { bytes == 0 ? "unlimited" : size(bytes) }

  /// A moment in the zone of the settings, to the minute: `2026-11-23 14:05`.
  func time(_ time: Int64) -> String {
    let offset = Int64(zone.offset(time))
    let second = (saturatingSum(time, offset) % 86_400 + 86_400) % 86_400
    let clock = [second / 3600, second / 60 % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
    return "\(Day(of: time, in: zone)) \(clock[0]):\(clock[1])"
  }

  /// What there is to say of an event beside its kind: a reason in words, and how often.
  func detail(of event: Event) -> String {
    let detail = Reason(rawValue: event.detail)?.text ?? amounts(in: event)
    return event.count > 1 ? "\(detail), \(event.count) times since \(time(event.at))" : detail
  }

  /// The detail of an event with its numbers of bytes as other amounts are shown. Only those that
  /// the ledger words itself: other details have texts in them that were typed.
  private func amounts(in event: Event) -> String {
    guard
      [.created, .quota, .terms, .plan, .granted, .revoked, .reset].contains(
        Event.Kind(rawValue: event.kind))
    else {
      return event.detail
    }
    var words = event.detail.split(separator: " ", omittingEmptySubsequences: false)
      .map(String.init)
    for index in words.indices.dropFirst().reversed() where words[index].hasPrefix("bytes") {
      guard let bytes = Int64(words[index - 1]) else { continue }
      words[index - 1] = size(bytes) + words.remove(at: index).dropFirst("bytes".count)
    }
    return words.joined(separator: " ")
  }

  /// What terms say, each in a few words that go behind `has`.
  func terms(_ terms: Terms) -> [String] {
    [
      terms.quota.map { "quota \(quota($0))" },
      terms.period.map { $0 == .none ? "no period" : "period \($0)" },
      terms.lifetime.map(lifetime),
      terms.maxSessions.map {
        $0 == 0 ? "any number of sessions" : "\(Words.sessions(Int($0))) at once"
      },
      terms.grace.map { "\($0 == .none ? "no grace" : "grace \(grace($0))")" },
      terms.isExempt.map { $0 ? "an exemption" : "no exemption" },
      terms.rate.map { $0.rate.map { "rate \($0)" } ?? "no rate" },
      terms.thenRate.map { $0.rate.map { "\($0) past the quota" } ?? "a cut at the quota" },
    ].compactMap(\.self)
  }

  private func lifetime(_ lifetime: Lifetime) -> String {
    switch lifetime {
    case .unlimited: "no expiry"
    case .until(let end): "expires \(time(end))"
    case .lasting(let seconds, .atOnce): "expires after \(Words.days(seconds))"
    case .lasting(let seconds, .firstConnection):
      "expires \(Words.days(seconds)) after the first connection"
    }
  }

  func grace(_ grace: Grace) -> String {
    if grace.percent == 0 { return size(grace.bytes) }
    return grace.bytes == 0 ? "\(grace.percent)%" : "\(size(grace.bytes)) and \(grace.percent)%"
  }

  /// What is said of a report in which nobody moved anything.
  static let noUsage: (notice: String, hint: String?) = (
    "nothing was moved in that time",
    "a sweep counts what clients move; quota-admin check says whether it works"
  )

  /// `1 session`, `2 sessions`.
  static func sessions(_ count: Int) -> String { count == 1 ? "1 session" : "\(count) sessions" }

  /// A number of seconds that are whole hours: `30 days`, `12 hours`.
  static func days(_ seconds: Int64) -> String {
    let (unit, name): (Int64, String) = seconds % 86_400 == 0 ? (86_400, "day") : (3600, "hour")
    let count = seconds / unit
    return "\(count) \(name)\(count == 1 ? "" : "s")"
  }

  /// A number of seconds to the minute, or in days and hours: `0min`, `1h 05min`, `3d 04h`.
  static func duration(_ seconds: Int64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
    if hours == 0 { return "\(minutes)min" }
    if hours < 24 { return "\(hours)h \(minutes < 10 ? "0" : "")\(minutes)min" }
    return "\(hours / 24)d \(hours % 24 < 10 ? "0" : "")\(hours % 24)h"
  }

  /// The user that history belongs to, who may have been removed since, also by other hands.
  static func owner(_ owner: Owner?) -> String {
    guard let owner else { return "(removed)" }
    return owner.isRemoved ? "\(owner.name.forPeople) (removed)" : owner.name.forPeople
  }
}

extension UserRecord {
  /// What counts of the usage so far.
  func used(by rules: Rules) -> Int64 { rules.count.bytes(of: entitlement.usedInAll) }

  /// What the connect hook would say to one session more.
  func verdict(by rules: Rules) -> Verdict {
    var entitlement = entitlement
    entitlement.sessionsBefore = Int64(openSessions)
    return decide(entitlement, at: at, by: rules)
  }

  /// The rate they are held to; nil for none, and for a user who would be refused.
  func presentRate(by rules: Rules) -> Rate? {
    if case .allowed(let rate) = decide(entitlement, at: at, by: rules) { rate } else { nil }
  }

  /// Whether they would be let in, and their used-up quota slows them down.
  func isSlowed(by rules: Rules) -> Bool {
    presentRate(by: rules) != nil && entitlement.slowRate(by: rules) != nil
  }

  /// The rate at which they go on past their quota, or a hyphen.
  func slowRateInWords(by rules: Rules) -> String {
    isSlowed(by: rules) ? presentRate(by: rules)?.description ?? "-" : "-"
  }

  /// When the quota will be used up at the pace of this period, nil where that is after its end or
  /// cannot be told.
  func projectedEnd(by rules: Rules) -> Int64? {
    let start = max(entitlement.span.start, createdAt ?? 0)
    let end = Quota.projectedEnd(
      used: used(by: rules), of: entitlement.limit, since: start, now: at)
    return end.flatMap { $0 < entitlement.span.end ? $0 : nil }
  }

  /// How much of the limit is used, 1 for all of it; 0 where there is no quota.
  func shareOfLimit(by rules: Rules) -> Double { share(used(by: rules), of: entitlement.limit) }

  /// How much of the limit is used, cut to whole percents, so that 100% is over; nil where
  /// there is no quota.
  func percentage(by rules: Rules) -> String? {
    let limit = entitlement.limit
    guard limit > 0 else { return nil }
    let (whole, rest) = used(by: rules).quotientAndRemainder(dividingBy: limit)
    let (high, low) = rest.multipliedFullWidth(by: 100)
    let part = limit.dividingFullWidth((high, low)).quotient
    let (percent, isTooMuch) = whole.multipliedReportingOverflow(by: 100)
    return "\(isTooMuch ? Int64.max : percent + part)%"
  }

  /// The fields of a user, as quota-admin(8) documents them.
  static func columns(by rules: Rules) -> [Column<UserRecord>] {
    func refusal(_ user: UserRecord) -> Reason? {
      if case .refused(let reason) = user.verdict(by: rules) { reason } else { nil }
    }
    return [
      .user { $0.name },
      .flag(key: "enabled") { $0.entitlement.isEnabled },
      .text(key: "plan") { $0.plan?.name },
      .size(key: "quota_bytes") { $0.entitlement.quota },
      .text(key: "period") { $0.period.text },
      .time(key: "period_start") { $0.period == .none ? nil : $0.entitlement.span.start },
      .time(key: "period_end") { $0.period == .none ? nil : $0.entitlement.span.end },
      .size(key: "granted_bytes") { $0.entitlement.granted },
      .size(key: "carried_bytes") { $0.entitlement.carried },
      .size(key: "limit_bytes") { $0.entitlement.limit },
      .size(key: "grace_bytes") { $0.entitlement.grace.bytes },
      .number(key: "grace_percent") { $0.entitlement.grace.percent },
      .size(key: "bytes_used") { $0.used(by: rules) },
      .size(key: "bytes_received") { $0.entitlement.usedInAll.received },
      .size(key: "bytes_sent") { $0.entitlement.usedInAll.sent },
      .size(key: "elsewhere_bytes") { rules.count.bytes(of: $0.entitlement.elsewhere) },
      .number(key: "elsewhere_sessions") { $0.entitlement.sessionsElsewhere },
      .time(key: "projected_end") { $0.projectedEnd(by: rules) },
      .flag(key: "exempt") { $0.entitlement.isExempt },
      .time(key: "expires_at") { $0.entitlement.expiresAt },
      .number(key: "expires_after_seconds") { $0.waitingLifetime },
      .number(key: "max_sessions") { $0.entitlement.maxSessions },
      .text(key: "rate") { $0.entitlement.rate?.description },
      .text(key: "then_rate") { $0.entitlement.thenRate?.description },
      .text(key: "present_rate") { $0.presentRate(by: rules)?.description },
      .flag(key: "slowed") { $0.isSlowed(by: rules) },
      .number(key: "open_sessions") { Int64($0.openSessions) },
      .flag(key: "admitted") { refusal($0) == nil },
      .text(key: "refusal") { refusal($0)?.rawValue },
      .time(key: "created_at") { $0.createdAt },
    ]
  }
}

extension Words {
  func state(of user: UserRecord) -> String {
    switch decide(user.entitlement, at: user.at, by: rules) {
    case .allowed where user.isSlowed(by: rules): "slowed"
    case .allowed: user.entitlement.isExempt ? "exempt" : "active"
    case .refused(.quota): "over quota"
    case .refused(let reason): reason.rawValue
    }
  }

  /// Whether the user would be let in now, why, and until when.
  func access(of user: UserRecord) -> String {
    let entitlement = user.entitlement
    switch user.verdict(by: rules) {
    case .refused(.quota) where entitlement.span.end < .max:
      return "would be refused until \(time(entitlement.span.end)): \(Reason.quota.text)"
    case .refused(.sessions):
      let limit = Words.sessions(Int(entitlement.maxSessions))
      let live = Int64(user.openSessions) + entitlement.sessionsElsewhere
      return "would be refused: \(live) of \(limit) at once"
    case .refused(let reason): return "would be refused: \(reason.text)"
    case .allowed(let rate):
      let speed = rate.map { ", at \($0)" } ?? ""
      return "would be let in\(speed): \(room(of: user))"
    }
  }

  private func room(of user: UserRecord) -> String {
    let entitlement = user.entitlement
    if entitlement.isExempt { return "exempt" }
    var ends = [entitlement.expiresAt].compactMap(\.self)
    var text = "there is no quota"
    if entitlement.quota > 0 {
      let left = entitlement.limit - user.used(by: rules)
      text =
        left > 0
        ? "\(size(left)) left"
        : user.isSlowed(by: rules) ? "quota used up, slowed" : "within the grace"
      ends.append(entitlement.span.end)
    }
    guard let end = ends.min(), end < .max else { return text }
    return "\(text) until \(time(end))"
  }

  /// The effect of a change, appended to its confirmation; empty if there is none.
  func consequence(for user: UserRecord) -> String {
    let (live, most) = (user.openSessions, Int(user.entitlement.maxSessions))
    guard case .refused(let reason) = decide(user.entitlement, at: user.at, by: rules) else {
      let slowed =
        user.isSlowed(by: rules) ? "; slowed to \(user.slowRateInWords(by: rules))" : ""
      if user.entitlement.isExempt || most == 0 || live <= most { return slowed }
      return "\(slowed); \(Words.sessions(live - most)) will end with the next sweep"
    }
    let why = reason == .disabled ? "" : "; kept out: \(reason.text)"
    return live == 0 ? why : "\(why); \(Words.sessions(live)) will end with the next sweep"
  }

  /// When the account expires; nil for never.
  func expiry(of user: UserRecord) -> String? {
    if let end = user.entitlement.expiresAt { return time(end) }
    return user.waitingLifetime.map { "\(Words.days($0)) after the first connection" }
  }

  /// What holds for a new user, each in a few words; what is as for everybody is left out.
  func terms(of user: UserRecord) -> [String] {
    let entitlement = user.entitlement
    var own = Terms(quota: entitlement.quota)
    if user.period != .none { own.period = user.period }
    if entitlement.maxSessions > 0 { own.maxSessions = entitlement.maxSessions }
    if entitlement.grace != .none { own.grace = entitlement.grace }
    if entitlement.isExempt { own.isExempt = true }
    own.rate = entitlement.rate.map { .limited($0) }
    own.thenRate = entitlement.thenRate.map { .limited($0) }
    let expiry = expiry(of: user).map { "expires \($0)" }
    return terms(own) + [expiry, user.plan.map { "plan \($0.name)" }].compactMap(\.self)
  }

  /// What a change was about, as it is now, each in a few words.
  func terms(of user: UserRecord, _ edit: TermsEdit, _ choice: Edit<String>) -> [String] {
    let entitlement = user.entitlement
    var changed = Terms()
    if edit.quota != .keep { changed.quota = entitlement.quota }
    if edit.period != .keep { changed.period = user.period }
    if edit.maxSessions != .keep { changed.maxSessions = entitlement.maxSessions }
    if edit.grace != .keep { changed.grace = entitlement.grace }
    if edit.isExempt != .keep { changed.isExempt = entitlement.isExempt }
    if edit.rate != .keep { changed.rate = RateTerm(entitlement.rate) }
    if edit.thenRate != .keep { changed.thenRate = RateTerm(entitlement.thenRate) }
    let expiry =
      edit.lifetime == .keep
      ? nil : expiry(of: user).map { "expires \($0)" } ?? "no expiry"
    let plan = choice == .keep ? nil : user.plan.map { "plan \($0.name)" } ?? "no plan"
    return terms(changed) + [expiry, plan].compactMap(\.self)
  }
}
