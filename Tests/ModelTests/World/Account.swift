import Quota

/// A user as an administrator has set them up, or a stranger.
final class Account {
  let number: Int
  /// The name at this moment.
  private(set) var name: String
  /// The names it had, each from one second of the clock on and before another.
  private(set) var names: [(name: String, span: Range<Int64>)]
  /// Whether an administrator added it.
  let isKnown: Bool
  /// Whether what it moves is counted at all.
  let isMetered: Bool
  /// Whether the quota is one for each day.
  let isDaily: Bool
  /// Bytes, 0 for unlimited.
  var quota: Int64
  var isDisabled = false
  /// Sessions at once, 0 for any number.
  var maxSessions = 0
  /// Whether a used-up quota slows the user down in place of cutting.
  var isSlowed = false
  /// When the account expires, by the wall clock; nil for never.
  var expiresAt: Int64?
  /// Bytes granted on top: for the period of that time, and until they are used up.
  var granted: Int64 = 0
  var carried: Int64 = 0
  /// When usage last started over, by the wall clock.
  private(set) var resetAt: Int64?
  /// Whether the clock was set after that: then nobody can tell what was used since.
  private(set) var isBlurred = false

  init(
    number: Int, name: String, quota: Int64, isDaily: Bool = false, isKnown: Bool = true,
    isMetered: Bool = true
  ) {
    self.number = number
    self.name = name
    self.quota = quota
    self.isDaily = isDaily
    self.isKnown = isKnown
    self.isMetered = isMetered
    names = [(name, .min ..< .max)]
  }

  /// Whether a session that began at a second under a name is this one's.
  func wasNamed(_ name: String, at second: Int64) -> Bool {
    names.contains { $0.name == name && $0.span.contains(second) }
  }

  func rename(to newName: String, at second: Int64) {
    let last = names.removeLast()
    names.append((last.name, last.span.lowerBound..<second))
    names.append((newName, second ..< .max))
    name = newName
  }

  /// Takes a name that was another's from a second on.
  func begin(at second: Int64) { names = [(name, second ..< .max)] }

  func reset(at second: Int64) { resetAt = second }

  func noteClockChange() { if resetAt != nil { isBlurred = true } }

  /// The least and the most that the present period's limit may be; nil where there is none.
  var limit: (least: Int64, most: Int64)? {
    if quota == 0 { return nil }
    if isDaily || resetAt != nil { return (quota, quota + granted + carried) }
    return (quota + granted, quota + granted + carried)
  }
}
