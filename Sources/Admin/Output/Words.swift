import Ledger
import Quota
import Support

/// How amounts, moments and terms are told to people, by the settings.
struct Words {
  let zone: Zone
  private(set) var rules: Rules
  let units: ByteUnits

  /// - Parameter isStale: see `Rules`; the settings do not say it.
  init(_ settings: Settings, isStale: Bool = false) {
    (zone, rules, units) = (settings.zone, settings.rules, settings.units)
    rules.isStale = isStale
  }

  /// An amount of bytes.
  func size(_ bytes: Int64) -> String { ByteSize.format(bytes, in: units) }

  /// A quota.
  func quota(_ bytes: Int64) -> String { bytes == 0 ? "unlimited" : size(bytes) }

  /// A moment in the zone of the settings, to the minute: `2026-11-23 14:05`.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
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

  /// `expires 2027-01-01 00:00`.
  private func lifetime(_ lifetime: Lifetime) -> String {
    switch lifetime {
    case .unlimited: "no expiry"
    case .until(let end): "expires \(time(end))"
    case .lasting(let seconds, .atOnce): "expires after \(Words.days(seconds))"
    case .lasting(let seconds, .firstConnection):
      "expires \(Words.days(seconds)) after the first connection"
    }
  }

  /// `5%`, `1 GB`, `1 GB and 5%`.
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
