import Quota

/// SplitMix64: the same numbers in every run from the same seed.
struct Chance: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

extension Period {
  /// Some period other than none.
  static func any(_ chance: inout Chance) -> Period {
    switch Int.random(in: 0..<5, using: &chance) {
    case 0: .day
    case 1: .week(Weekday.allCases.randomElement(using: &chance) ?? .monday)
    case 2: .month(Int.random(in: 1...31, using: &chance))
    case 3: .year
    default:
      .days(
        Int.random(in: 1...400, using: &chance),
        from: Day(number: Int64.random(in: 0...40_000, using: &chance)))
    }
  }
}
