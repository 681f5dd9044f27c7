import Support
import Quota
import TestSupport
import Testing

extension CalendarTests {
  @Suite struct SharesTests {
    let berlin = Zone.system(named: "Europe/Berlin")

    @Test func `Traffic within one day is one share`() {
      let traffic = Traffic(received: 7, sent: 9)
      let (start, end) = (utc("2026-11-24 08:00:00"), utc("2026-11-24 09:00:00"))
      #expect(traffic.shares(from: start, to: end, in: .utc) == [Share(at: end, traffic: traffic)])
    }

    @Test(arguments: [0, 1, 1000] as [Int64])
    func `Traffic of no time at all is one share`(backwards: Int64) {
      let (traffic, now) = (Traffic(received: 1, sent: .max), utc("2026-11-24 08:00:00"))
      let shares = traffic.shares(from: now + backwards * 86_400, to: now, in: .utc)
      #expect(shares == [Share(at: now, traffic: traffic)])
    }

    @Test func `Each day gets its part by the seconds`() {
      let (start, end) = (utc("2026-11-22 18:00:00"), utc("2026-11-24 06:00:00"))
      let shares = Traffic(received: 3600, sent: 36).shares(from: start, to: end, in: .utc)
      #expect(
        shares == [
          Share(at: utc("2026-11-22 23:59:59"), traffic: Traffic(received: 600, sent: 6)),
          Share(at: utc("2026-11-23 23:59:59"), traffic: Traffic(received: 2400, sent: 24)),
          Share(at: end, traffic: Traffic(received: 600, sent: 6)),
        ])
    }

    @Test func `A day of 23 hours gets 23 parts and one of 25 gets 25`() {
      for (from, to, parts) in [
        ("2026-03-27 23:00:00", "2026-03-30 22:00:00", [24, 23, 24]),
        ("2026-10-23 22:00:00", "2026-10-26 23:00:00", [24, 25, 24]),
      ] {
        let bytes = Int64(parts.reduce(0, +))
        let shares = Traffic(received: bytes).shares(
          from: utc(from), to: utc(to), in: berlin)
        #expect(shares.map(\.traffic.received) == parts.map { Int64($0) })
      }
    }

    @Test func `Days that get nothing are left out, though never all`() {
      let (start, end) = (utc("2026-11-14 00:00:00"), utc("2026-11-24 00:00:00"))
      let three = Traffic(received: 1, sent: 2).shares(from: start, to: end, in: .utc)
      #expect(three.map(\.traffic) == [Traffic(sent: 1), Traffic(received: 1, sent: 1)])
      // The second at midnight begins a day in which nothing moved any more.
      #expect(three.last?.at == end - 1)
      #expect(
        Traffic().shares(from: start, to: end, in: .utc) == [Share(at: end, traffic: Traffic())])
    }

    @Test func `Nothing is dated back by more than 366 days`() {
      let end = utc("2026-11-24 12:00:00")
      let traffic = Traffic(received: .max, sent: .max)
      for start in [Int64.min, 0, end - 367 * 86_400] {
        let shares = traffic.shares(from: start, to: end, in: .utc)
        #expect(shares.count == 367)
        #expect(shares.first?.at == utc("2025-11-23 23:59:59"))
      }
      #expect(traffic.shares(from: .min, to: .min, in: .utc).count == 1)
      #expect(traffic.shares(from: .max - 1, to: .max, in: .utc).count == 1)
    }

    @Test func `A day that the zone left out gets nothing`() {
      let (start, end) = (utc("2011-12-28 10:00:00"), utc("2012-01-01 10:00:00"))
      let zone = Zone.system(named: "Pacific/Apia")
      let shares = Traffic(sent: 1 << 40).shares(from: start, to: end, in: zone)
      #expect(
        shares.map { Day(of: $0.at, in: zone).description }
          == ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"])
    }

    @Test(arguments: Places.names) func `Shares add up exactly, a day each, oldest first`(
      name: String
    ) throws {
      let zone = Zone.system(named: name)
      var chance = SeededRandom(seed: 23)
      for _ in 0..<200 {
        let end = Int64.random(in: 0...4_200_000_000, using: &chance)
        if zone.start(of: Day(of: end, in: zone)) == end { continue }
        let start = end - Int64.random(in: 1...40 * 86_400, using: &chance)
        let most: Int64 = [.max, 1 << 40, 30, 1].randomElement(using: &chance) ?? 1
        let traffic = Traffic(
          received: Int64.random(in: 0...most, using: &chance),
          sent: Int64.random(in: 0...most, using: &chance))
        let shares = traffic.shares(from: start, to: end, in: zone)
        let sum = shares.reduce(Traffic()) { $0 + $1.traffic }
        try #require(sum == traffic)
        try #require(shares.last?.at == end)
        let days = shares.map { Day(of: $0.at, in: zone) }
        try #require(zip(days, days.dropFirst()).allSatisfy { $0 < $1 }, "\(start) \(end)")
        try #require(shares.allSatisfy { start < $0.at && (!$0.traffic.isZero || traffic.isZero) })
        try #require(shares.allSatisfy { $0.traffic.received >= 0 && $0.traffic.sent >= 0 })
      }
    }

    @Test func `Around a midnight that comes twice there is still one share a day`() throws {
      let zone = Zone.system(named: "America/St_Johns")
      let change = utc("2010-11-07 02:31:00")
      for start in stride(from: change - 7200, to: change + 7200, by: 30) {
        for end in stride(from: start + 30, to: change + 9000, by: 210) {
          let shares = Traffic(sent: 1 << 30).shares(from: start, to: end, in: zone)
          let days = shares.map { Day(of: $0.at, in: zone) }
          try #require(zip(days, days.dropFirst()).allSatisfy { $0 < $1 }, "\(start) \(end)")
          try #require(shares.reduce(0) { $0 + $1.traffic.sent } == 1 << 30)
        }
      }
    }
  }
}
