/// Which of the terms that hold for a user are his own; the others follow his plan.
struct Own: OptionSet, Equatable, Sendable {
  let rawValue: Int64

  static let quota = Own(rawValue: 1)
  static let period = Own(rawValue: 2)
  static let lifetime = Own(rawValue: 4)
  static let maxSessions = Own(rawValue: 8)
  static let grace = Own(rawValue: 16)
  static let exemption = Own(rawValue: 32)
}
