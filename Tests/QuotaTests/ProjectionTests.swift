import Quota
import Testing

@Suite struct ProjectionTests {
  static let ends: [(Int64, Int64, Int64, Int64, Int64?)] = [
    // used, limit, start, now, end
    (50, 100, 0, 3600, 7200), (1, 100, 1000, 4600, 361_000), (30, 100, 0, 3600, 12_000),
    // After 36 000 / 7 seconds: the limit is reached within that second.
    (7, 10, 0, 3600, 5143), (99, 100, 0, 86_400, 87_273),
    (100, 100, 0, 86_400, 86_400), (101, 100, 0, 86_400, 86_400), (100, 100, 0, 1, 1),
    (50, 0, 0, 86_400, nil), (50, -1, 0, 86_400, nil), (0, 100, 0, 86_400, nil),
    (50, 100, 0, 3599, nil), (50, 100, 86_400, 0, nil),
    (1, .max, 0, 86_400, .max), (.max - 1, .max, 0, 3600, 3601), (.max, .max, .min, .max, .max),
    (1, .max, .min, .max, .max), (1, 2, .min, .max, .max),
  ]

  @Test(arguments: ends) func `At the pace so far the limit is reached then`(
    used: Int64, limit: Int64, start: Int64, now: Int64, end: Int64?
  ) {
    #expect(projectedEnd(used: used, of: limit, since: start, now: now) == end)
  }
}
