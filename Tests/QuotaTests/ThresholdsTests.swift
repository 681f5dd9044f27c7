import Quota
import Testing

@Suite struct ThresholdsTests {
  static let reached: [([Int], Int64, Int64, Int?)] = [
    ([80, 95, 100], 79, 100, nil), ([80, 95, 100], 80, 100, 80), ([80, 95, 100], 94, 100, 80),
    ([80, 95, 100], 95, 100, 95), ([80, 95, 100], 100, 100, 100), ([80, 95, 100], 500, 100, 100),
    ([100, 80, 95], 96, 100, 95), ([80, 120], 119, 100, 80), ([80, 120], 120, 100, 120),
    ([], 100, 100, nil), ([80], 100, 0, nil), ([80], 0, 0, nil), ([80], 100, -1, nil),
    // Exact where a percentage is no whole number of bytes, and where the product is huge.
    ([33], 32, 99, nil), ([33], 33, 99, 33), ([50], 1, 3, nil), ([50], 2, 3, 50),
    ([80, 95, 100], .max, .max, 100), ([80, 95, 100], .max - 1, .max, 95),
    ([99], .max / 100 * 99, .max, nil), ([Int.max], .max, .max, nil),
  ]

  @Test(arguments: reached) func `The highest threshold that usage has reached counts`(
    percentages: [Int], used: Int64, limit: Int64, highest: Int?
  ) {
    #expect(highestThreshold(percentages, reachedBy: used, of: limit) == highest)
  }
}
