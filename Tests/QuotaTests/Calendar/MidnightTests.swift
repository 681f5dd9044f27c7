import Support
import Quota
import Synchronization
import TestSupport
import Testing

extension CalendarTests {
  @Suite struct MidnightTests {
    static let midnights: [(String, String, String)] = [
      ("UTC", "2026-11-24", "2026-11-24 00:00:00"),
      ("Asia/Tokyo", "2026-11-24", "2026-11-23 15:00:00"),
      ("America/New_York", "2026-11-24", "2026-11-24 05:00:00"),
      // The days on which daylight saving begins and ends, and the days after them.
      ("Europe/Berlin", "2026-03-29", "2026-03-28 23:00:00"),
      ("Europe/Berlin", "2026-03-30", "2026-03-29 22:00:00"),
      ("Europe/Berlin", "2026-10-25", "2026-10-24 22:00:00"),
      ("Europe/Berlin", "2026-10-26", "2026-10-25 23:00:00"),
      ("America/New_York", "2026-03-08", "2026-03-08 05:00:00"),
      ("America/New_York", "2026-03-09", "2026-03-09 04:00:00"),
      ("America/New_York", "2026-11-01", "2026-11-01 04:00:00"),
      ("America/New_York", "2026-11-02", "2026-11-02 05:00:00"),
      // 00:00 was 01:00; and 24:00 was 23:00 of the same day, so that midnight came once.
      ("America/Sao_Paulo", "2017-10-15", "2017-10-15 03:00:00"),
      ("America/Sao_Paulo", "2018-02-18", "2018-02-18 03:00:00"),
      // 00:00 was 01:00; and 01:00 was 00:00 of the same day: the first of two midnights.
      ("America/Havana", "2025-03-09", "2025-03-09 05:00:00"),
      ("America/Havana", "2025-11-02", "2025-11-02 04:00:00"),
      // 00:01 was 23:01 of the day before: the day began, went and came back.
      ("America/St_Johns", "2010-11-07", "2010-11-07 02:30:00"),
      ("America/St_Johns", "2010-03-14", "2010-03-14 03:30:00"),
      // 30 December 2011 was left out: it begins with the 31st.
      ("Pacific/Apia", "2011-12-29", "2011-12-29 10:00:00"),
      ("Pacific/Apia", "2011-12-30", "2011-12-30 10:00:00"),
      ("Pacific/Apia", "2011-12-31", "2011-12-30 10:00:00"),
      ("Pacific/Apia", "2012-01-01", "2011-12-31 10:00:00"),
      ("Pacific/Kiritimati", "2026-01-01", "2025-12-31 10:00:00"),
      ("Etc/GMT+12", "2026-01-01", "2026-01-01 12:00:00"),
    ]

    @Test(arguments: midnights) func `A day begins when a clock first shows it or a later one`(
      name: String, date: String, start: String
    ) {
      #expect(Zone.system(named: name).start(of: day(date)) == utc(start))
    }

    @Test(arguments: Places.names) func `Nothing before its start shows a day`(name: String) throws
    {
      let zone = Zone.system(named: name)
      func shown(_ time: Int64) -> Int64 { time + Int64(zone.offset(time)) }
      var chance = SeededRandom(seed: 1)
      for _ in 0..<300 {
        let day = Day(number: Int64.random(in: 0...30_000, using: &chance))
        let start = zone.start(of: day)
        try #require(shown(start) >= day.number * 86_400, "\(day)")
        try #require(shown(start - 1) < day.number * 86_400, "\(day)")
        for step in 1...100 as ClosedRange<Int64> {
          try #require(shown(start - step * 900) < day.number * 86_400, "\(day)")
        }
      }
    }

    @Test(arguments: Places.names) func `Every day of 50 years begins no earlier than the last`(
      name: String
    ) throws {
      let zone = Zone.system(named: name)
      var last = zone.start(of: Day(number: -1))
      for number in 0...18_262 as ClosedRange<Int64> {
        let start = zone.start(of: Day(number: number))
        try #require(start >= last && start - last <= 48 * 3600, "\(Day(number: number))")
        if start > last { try #require(Day(of: start, in: zone) >= Day(number: number)) }
        last = start
      }
    }

    @Test func `On an ordinary day the zone is asked little, and near a change not often`() {
      let calls = Mutex(0)
      let berlin = Zone.system(named: "Europe/Berlin")
      let counting = Zone { time in
        calls.withLock { $0 += 1 }
        return berlin.offset(time)
      }
      _ = counting.start(of: day("2026-11-24"))
      #expect(calls.withLock { $0 } <= 4)
      _ = counting.start(of: day("2026-03-29"))
      #expect(calls.withLock { $0 } <= 24)
    }

    @Test func `The ends of the calendar begin somewhere too`() {
      for name in Places.names {
        let zone = Zone.system(named: name)
        #expect(zone.start(of: day("0001-01-01")) < -62_135_500_000)
        #expect(zone.start(of: day("9999-12-31")) > 253_402_100_000)
      }
    }
  }
}
