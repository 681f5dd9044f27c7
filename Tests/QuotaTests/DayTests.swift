import Quota
import Testing

@Test(
  arguments: [
    (0, 0, "1970-01-01"), (86_399, 0, "1970-01-01"), (86_400, 0, "1970-01-02"),
    (-1, 0, "1969-12-31"), (951_782_400, 0, "2000-02-29"), (1_709_164_800, 0, "2024-02-29"),
    (1_709_251_200, 0, "2024-03-01"), (4_107_542_400, 0, "2100-03-01"),
    (1_795_466_205, 0, "2026-11-23"), (1_795_476_599, 3600, "2026-11-24"),
    (1_795_474_799, 3600, "2026-11-23"), (1_795_478_400, -3600, "2026-11-23"),
  ] as [(Int64, Int, String)])
func `a second falls on the day its zone says`(second: Int64, offset: Int, date: String) {
  #expect(Day(of: second, in: Zone { _ in offset }).description == date)
}

@Test func `a second beyond the calendar falls on its first or last day`() {
  #expect(Day(of: .max, in: Zone { _ in 3600 }).description == "9999-12-31")
  #expect(Day(of: .min, in: Zone { _ in -3600 }).description == "0001-01-01")
}
