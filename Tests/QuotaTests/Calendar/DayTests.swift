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

@Suite struct DateTests {
  @Test(
    arguments: [
      (2026, 12, 31, 20_818), (1970, 1, 1, 0), (1969, 12, 31, -1), (2000, 2, 29, 11_016),
      (2024, 2, 29, 19_782), (1, 1, 1, -719_162), (9999, 12, 31, 2_932_896),
    ] as [(Int64, Int64, Int64, Int64)])
  func `A date has its number`(year: Int64, month: Int64, date: Int64, number: Int64) {
    #expect(Day(year: year, month: month, day: date)?.number == number)
  }

  @Test func `Days come back from their dates and their texts`() throws {
    // Every day from 1895 to 2104, and one in 61 of the others.
    let sparse = stride(from: -719_162, through: 2_932_896, by: 61) as StrideThrough<Int64>
    for number in Array(-27_393...49_307) + Array(sparse) {
      let day = Day(number: number)
      let (year, month, date) = day.civil
      guard Day(year: year, month: month, day: date) == day else {
        Issue.record("\(day)")
        return
      }
      if number % 19 == 0 { try #require(Day.parse(day.description) == day) }
    }
  }

  @Test(
    arguments: [(1900, 28), (2000, 29), (2023, 28), (2024, 29), (2100, 28)] as [(Int64, Int64)])
  func `February is as long as the year has it`(year: Int64, length: Int64) {
    #expect(Day(year: year, month: 2, day: length) != nil)
    #expect(Day(year: year, month: 2, day: length + 1) == nil)
  }

  @Test(arguments: [
    "2026-02-29", "2100-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00",
    "2026-01-32", "0000-01-01", "10000-01-01", "2026-1-1", "26-01-01", "2026-12-31 ", " 2026-12-31",
    "2026/12/31", "20261231", "-2026-12-31", "+026-12-31", "2026-12-3x", "2026-12-", "", "--",
    "２026-12-31", "2026-12-31\n", "2026-12-31T00:00:00",
  ]) func `A text that is no date of the calendar is none`(text: String) {
    #expect(Day.parse(text) == nil)
  }

  @Test(arguments: [
    ("1970-01-01", Weekday.thursday), ("1969-12-31", .wednesday), ("2000-02-29", .tuesday),
    ("2026-11-24", .tuesday), ("0001-01-01", .monday), ("9999-12-31", .friday),
    ("2026-11-29", .sunday), ("2026-11-30", .monday),
  ]) func `A date falls on its day of the week`(date: String, weekday: Weekday) {
    #expect(day(date).weekday == weekday)
  }

  @Test func `A day of the week is read by its name or three letters, in any case`() {
    for weekday in Weekday.allCases {
      let name = weekday.name
      for text in [name, name.uppercased(), String(name.prefix(3)), name.prefix(3).uppercased()] {
        #expect(Weekday(parsing: text) == weekday)
      }
    }
    for text in ["", "m", "mo", "mond", "mondays", " mon", "1", "montag"] {
      #expect(Weekday(parsing: text) == nil)
    }
  }

  @Test func `Days are added up to the ends of the calendar`() {
    #expect(day("2024-02-28") + 2 == day("2024-03-01"))
    #expect(day("2026-01-01") + -1 == day("2025-12-31"))
    #expect(day("9999-12-31") + 1 == day("9999-12-31"))
    #expect(day("0001-01-02") + .min == day("0001-01-01"))
    #expect(day("0001-01-02") + .max == day("9999-12-31"))
  }
}
