import Support
import Quota
import TestSupport
import Testing

extension CalendarTests {
  @Suite struct PeriodTests {
    static let spans: [(Period, String, String, String)] = [
      (.day, "2026-11-24 13:00:00", "2026-11-24", "2026-11-25"),
      (.week(.monday), "2026-11-24 13:00:00", "2026-11-23", "2026-11-30"),
      (.week(.tuesday), "2026-11-24 00:00:00", "2026-11-24", "2026-12-01"),
      (.week(.wednesday), "2026-11-24 23:59:59", "2026-11-18", "2026-11-25"),
      (.week(.sunday), "2026-01-01 00:00:00", "2025-12-28", "2026-01-04"),
      (.month(1), "2026-02-28 23:59:59", "2026-02-01", "2026-03-01"),
      (.month(1), "2024-02-29 00:00:00", "2024-02-01", "2024-03-01"),
      (.month(5), "2026-01-04 23:59:59", "2025-12-05", "2026-01-05"),
      (.month(5), "2026-01-05 00:00:00", "2026-01-05", "2026-02-05"),
      (.month(31), "2026-01-30 12:00:00", "2025-12-31", "2026-01-31"),
      (.month(31), "2026-01-31 00:00:00", "2026-01-31", "2026-02-28"),
      (.month(31), "2026-02-28 00:00:00", "2026-02-28", "2026-03-31"),
      (.month(31), "2026-04-29 23:59:59", "2026-03-31", "2026-04-30"),
      (.month(31), "2026-04-30 00:00:00", "2026-04-30", "2026-05-31"),
      (.month(31), "2024-02-28 23:59:59", "2024-01-31", "2024-02-29"),
      (.month(31), "2024-02-29 00:00:00", "2024-02-29", "2024-03-31"),
      (.month(30), "2000-02-29 06:00:00", "2000-02-29", "2000-03-30"),
      (.month(29), "2100-02-28 06:00:00", "2100-02-28", "2100-03-29"),
      (.month(29), "2024-02-29 06:00:00", "2024-02-29", "2024-03-29"),
      (.year, "2024-12-31 23:59:59", "2024-01-01", "2025-01-01"),
      (.year, "2100-01-01 00:00:00", "2100-01-01", "2101-01-01"),
      (.days(30, from: day("2026-11-05")), "2026-11-24 00:00:00", "2026-11-05", "2026-12-05"),
      (.days(30, from: day("2026-11-05")), "2026-12-05 00:00:00", "2026-12-05", "2027-01-04"),
      (.days(30, from: day("2026-11-05")), "2026-11-04 23:59:59", "2026-10-06", "2026-11-05"),
      (.days(1, from: day("2030-01-01")), "2026-11-04 23:59:59", "2026-11-04", "2026-11-05"),
      (.days(3650, from: day("2026-11-05")), "2026-11-04 00:00:00", "2016-11-07", "2026-11-05"),
    ]

    @Test(arguments: spans) func `A moment falls in the period of its date`(
      period: Period, time: String, start: String, end: String
    ) {
      let expected = TimeSpan(start: utc("\(start) 00:00:00"), end: utc("\(end) 00:00:00"))
      #expect(period.span(at: utc(time), in: .utc) == expected)
      // The same on a clock of 13 hours east and of 11 hours west.
      for offset in [46_800, -39_600] {
        let span = period.span(at: utc(time) - Int64(offset), in: Zone { _ in offset })
        #expect(span.start == expected.start - Int64(offset))
        #expect(span.end == expected.end - Int64(offset))
      }
    }

    static let changes: [(Period, String, String, Int64)] = [
      (.day, "Europe/Berlin", "2026-03-29 10:00:00", 23),
      (.day, "Europe/Berlin", "2026-10-25 10:00:00", 25),
      (.day, "America/New_York", "2026-03-08 20:00:00", 23),
      (.day, "America/New_York", "2026-11-01 20:00:00", 25),
      (.day, "America/Sao_Paulo", "2017-10-15 12:00:00", 23),
      (.day, "America/Havana", "2025-11-02 12:00:00", 25),
      (.week(.monday), "Europe/Berlin", "2026-03-29 10:00:00", 167),
      (.month(1), "Europe/Berlin", "2026-10-25 10:00:00", 745),
      (.month(31), "America/New_York", "2026-03-08 20:00:00", 743),
      (.year, "Europe/Berlin", "2026-07-01 00:00:00", 8760),
      (.week(.monday), "Pacific/Apia", "2011-12-28 12:00:00", 144),
    ]

    @Test(arguments: changes) func `A period has the hours that its zone's clocks give it`(
      period: Period, name: String, time: String, hours: Int64
    ) {
      let span = period.span(at: utc(time), in: .system(named: name))
      #expect(span.end - span.start == hours * 3600)
    }

    @Test func `A midnight that comes twice begins one period, the first time`() {
      let zone = Zone.system(named: "America/St_Johns")
      // At 00:01 on 7 November 2010 (02:31 UTC) clocks went back to 23:01 on the 6th.
      let (first, again) = (utc("2010-11-07 02:30:00"), utc("2010-11-07 03:30:00"))
      #expect(Day(of: again - 1, in: zone) == day("2010-11-06"))
      for time in [first, first + 60, again - 1, again, again + 3600] {
        #expect(Period.day.span(at: time, in: zone).start == first)
      }
      #expect(Period.day.span(at: first - 1, in: zone).end == first)
    }

    @Test func `Without a period there is one span, and it never ends`() {
      for time in [0, 1_795_466_205, Int64.max] {
        #expect(Period.none.span(at: time, in: .utc) == .always)
        #expect(TimeSpan.always.contains(time))
      }
    }

    @Test func `A span has its first second and not its last`() {
      let span = TimeSpan(start: 10, end: 20)
      #expect(!span.contains(9) && span.contains(10) && span.contains(19) && !span.contains(20))
    }

    @Test func `A machine that was off for three months finds the period that holds then`() {
      let zone = Zone.system(named: "Europe/Berlin")
      let before = Period.month(31).span(at: utc("2026-01-31 12:00:00"), in: zone)
      let after = Period.month(31).span(at: utc("2026-05-02 08:00:00"), in: zone)
      #expect(
        before == TimeSpan(start: utc("2026-01-30 23:00:00"), end: utc("2026-02-27 23:00:00")))
      #expect(after == TimeSpan(start: utc("2026-04-29 22:00:00"), end: utc("2026-05-30 22:00:00")))
    }

    @Test(arguments: Places.names) func `Spans contain their moments and follow without a gap`(
      name: String
    ) throws {
      let zone = Zone.system(named: name)
      var chance = SeededRandom(seed: 7)
      for _ in 0..<400 {
        let period = Period.any(&chance)
        let time = Int64.random(in: 0...4_200_000_000, using: &chance)
        let span = period.span(at: time, in: zone)
        try #require(span.contains(time), "\(period) at \(time)")
        let next = period.span(at: span.end, in: zone)
        try #require(next.start == span.end, "\(period) at \(time)")
        try #require(next.contains(span.end), "\(period) at \(time)")
        try #require(period.span(at: span.end - 1, in: zone) == span, "\(period) at \(time)")
        try #require(period.span(at: span.start, in: zone) == span, "\(period) at \(time)")
        let last = period.span(at: span.start - 1, in: zone)
        try #require(last.end == span.start, "\(period) at \(time)")
      }
    }

    @Test(arguments: ["America/St_Johns", "America/Havana", "Pacific/Apia", "America/Sao_Paulo"])
    func `Spans hold around every change of a clock, minute by minute`(name: String) throws {
      let zone = Zone.system(named: name)
      var changes = 0
      for number in 5000...15_500 as ClosedRange<Int64> {
        let noon = number * 86_400
        if zone.offset(noon) == zone.offset(noon + 86_400) { continue }
        changes += 1
        var span = Period.day.span(at: noon - 86_400, in: zone)
        for time in stride(from: noon - 86_400, to: noon + 2 * 86_400, by: 60) {
          let present = Period.day.span(at: time, in: zone)
          try #require(present.contains(time))
          try #require(present == span || present.start == span.end, "\(time)")
          span = present
        }
        if changes == 12 { break }
      }
      #expect(changes > 0)
    }

    @Test(arguments: 1...31) func `Every month has one period from each starting day`(
      resetDay: Int
    ) {
      var time = Period.month(resetDay).span(at: utc("1999-12-31 12:00:00"), in: .utc).end
      for month in 0..<1212 as Range<Int64> {
        let (year, present, date) = Day(of: time, in: .utc).civil
        #expect(year * 12 + present - 1 == 2000 * 12 + month)
        let isLast = Day(year: year, month: present, day: date + 1) == nil
        #expect(date == Int64(resetDay) || isLast && date < resetDay)
        time = Period.month(resetDay).span(at: time, in: .utc).end
      }
    }

    @Test func `Moments at and past the end of the calendar have a period that never ends`() {
      var chance = SeededRandom(seed: 3)
      for _ in 0..<50 {
        let period = Period.any(&chance)
        for time in [Int64.max, 300_000_000_000] {
          let span = period.span(at: time, in: .utc)
          #expect(span.contains(time) && span.end == .max)
        }
      }
    }
  }
}
