import Quota
import TestSupport

extension Period {
  /// Some period other than none.
  static func any(_ chance: inout SeededRandom) -> Period {
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
