import Quota
import TestSupport
import Testing

@Suite struct PeriodTextTests {
  static let today = day("2026-11-24")

  static let texts: [(Period, String?, String)] = [
    (.none, nil, "none"), (.day, "day", "day"), (.week(.monday), "week monday", "week from Monday"),
    (.week(.sunday), "week sunday", "week from Sunday"), (.month(1), "month 1", "month"),
    (.month(5), "month 5", "month from day 5"), (.month(31), "month 31", "month from day 31"),
    (.year, "year", "year"),
    (.days(30, from: day("2026-11-05")), "30 days from 2026-11-05", "30 days from 2026-11-05"),
    (.days(1, from: day("0999-01-01")), "1 days from 0999-01-01", "1 days from 0999-01-01"),
  ]

  @Test(arguments: texts) func `A period is stored as a text, and written for people`(
    period: Period, text: String?, description: String
  ) {
    #expect(period.text == text)
    #expect(period.description == description)
  }

  @Test func `A stored period comes back`() {
    var chance = SeededRandom(seed: 11)
    for _ in 0..<2000 {
      let period = Period.any(&chance)
      #expect(Period(text: period.text) == period)
    }
    #expect(Period(text: nil) == Period.none)
  }

  @Test(arguments: [
    "", "none", "Day", "day ", " day", "days", "week", "week mon", "week Monday", "week  monday",
    "week monday ", "month", "month 0", "month 32", "month 05", "month +5", "month 5.", "year 1",
    "30 days", "30 days from 2026-02-30", "0 days from 2026-11-05", "3651 days from 2026-11-05",
    "030 days from 2026-11-05", "30 days since 2026-11-05", "30 day from 2026-11-05", "month 5\n",
    "99999999999999999999 days from 2026-11-05", "-1 days from 2026-11-05",
  ]) func `A text that no period is stored as is none`(text: String) {
    #expect(Period(text: text) == nil)
  }

  static let typed: [(String, String?, Period)] = [
    ("none", nil, .none), ("None", nil, .none), ("day", nil, .day), ("DAY", nil, .day),
    ("week", nil, .week(.monday)), ("Week", "sun", .week(.sunday)),
    ("week", "Thursday", .week(.thursday)), ("month", nil, .month(1)), ("MONTH", "31", .month(31)),
    ("month", "05", .month(5)), ("year", nil, .year),
    ("30d", nil, .days(30, from: today)), ("30 days", nil, .days(30, from: today)),
    ("30 Days", "2026-11-05", .days(30, from: day("2026-11-05"))),
    ("1 day", nil, .days(1, from: today)),
    ("3650D", "2030-01-01", .days(3650, from: day("2030-01-01"))),
  ]

  @Test(arguments: typed) func `A period is read as people type it`(
    text: String, resetDay: String?, period: Period
  ) throws {
    #expect(try Period.parse(text, resetDay: resetDay, today: PeriodTextTests.today) == period)
  }

  static let refused: [(String, String?, PeriodError, String)] = [
    (
      "month", "32", .noDayOfMonth("32"),
      "32 is no day of the month; allowed are 1 to 31, and a short month begins its period on its "
        + "last day"
    ),
    (
      "month", "0", .noDayOfMonth("0"),
      "0 is no day of the month; allowed are 1 to 31, and a short month begins its period on its "
        + "last day"
    ),
    (
      "month", "", .noDayOfMonth(""),
      "an empty text is no day of the month; allowed are 1 to 31, and a short month begins its "
        + "period on its last day"
    ),
    (
      "week", "5", .noWeekday("5"),
      "5 is no day of the week; allowed are monday to sunday, or mon to sun"
    ),
    (
      "30d", "5", .noDate("5"), "5 is no date; allowed are dates such as 2026-12-31"
    ),
    (
      "30d", "2026-02-29", .noDate("2026-02-29"),
      "2026-02-29 is no date; allowed are dates such as 2026-12-31"
    ),
    (
      "none", "5", .noResetDay(.none),
      "without a period there is no day for it to begin on; allowed with week, month and days"
    ),
    (
      "day", "5", .noResetDay(.day),
      "a day begins at midnight and a year on 1 January; a day to begin on is allowed with week, "
        + "month and days"
    ),
    (
      "year", "5", .noResetDay(.year),
      "a day begins at midnight and a year on 1 January; a day to begin on is allowed with week, "
        + "month and days"
    ),
    (
      "0d", nil, .length("0d"), "0d is no length of a period; allowed are 1 to 3650 days"
    ),
    (
      "3651 days", nil, .length("3651 days"),
      "3651 days is no length of a period; allowed are 1 to 3650 days"
    ),
    (
      "99999999999999999999d", nil, .length("99999999999999999999d"),
      "99999999999999999999d is no length of a period; allowed are 1 to 3650 days"
    ),
    (
      "quarter", nil, .unknown("quarter"),
      "quarter is no period; allowed are none, day, week, month, year, and 1 to 3650 days such as "
        + "30d"
    ),
    (
      "mon\u{1B}[31mth\n", nil, .unknown("mon\u{1B}[31mth\n"),
      "the text given is no period; allowed are none, day, week, month, year, and 1 to 3650 days "
        + "such as 30d"
    ),
  ]

  @Test(arguments: refused) func `What is no period is refused in one line that says what is`(
    text: String, resetDay: String?, error: PeriodError, message: String
  ) {
    #expect(throws: error) {
      try Period.parse(text, resetDay: resetDay, today: PeriodTextTests.today)
    }
    #expect(error.description == message)
  }

  @Test(arguments: [
    "", "30", "d", "-1d", "+30d", "30 w", "1.5d", "30dd", "30d ", "٣d", "30 days from",
  ])
  func `A text that is not quite a number of days is no period`(text: String) {
    #expect(throws: PeriodError.unknown(text)) {
      try Period.parse(text, resetDay: nil, today: PeriodTextTests.today)
    }
  }
}
