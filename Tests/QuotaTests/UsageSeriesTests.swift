import Quota
import Testing

@Suite struct `A series of usage` {
  private func day(_ text: String) throws -> Day { try #require(Day.parse(text)) }

  private func starts(
    _ days: [String], by step: UsageStep, through last: String
  ) throws -> [String] {
    let usage = try days.map { (try day($0), Traffic(received: 1, sent: 2)) }
    return usageSeries(
      Dictionary(uniqueKeysWithValues: usage), by: step, through: try day(last)
    ).map(\.start.description)
  }

  @Test func `begins with the first use, ends at the end, and leaves no step out`() throws {
    #expect(
      try starts(["2026-02-27", "2026-03-01"], by: .day, through: "2026-03-02")
        == ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"])
    #expect(try starts([], by: .day, through: "2026-03-02").isEmpty)
    #expect(try starts(["2026-03-02"], by: .day, through: "2026-03-01") == ["2026-03-02"])
  }

  @Test func `has weeks that begin on Monday`() throws {
    #expect(
      try starts(["2026-11-22", "2026-11-23"], by: .week, through: "2026-12-06")
        == ["2026-11-16", "2026-11-23", "2026-11-30"])
    #expect(try starts(["1970-01-01"], by: .week, through: "1970-01-04") == ["1969-12-29"])
  }

  @Test func `has months of every length`() throws {
    #expect(
      try starts(["2027-12-31", "2028-04-01"], by: .month, through: "2028-01-01")
        == ["2027-12-01", "2028-01-01", "2028-02-01", "2028-03-01", "2028-04-01"])
  }

  @Test func `adds up what falls into one step`() throws {
    let usage = [
      try day("2026-11-01"): Traffic(received: 1, sent: .max),
      try day("2026-11-30"): Traffic(received: 2, sent: 1),
    ]
    #expect(
      usageSeries(usage, by: .month, through: try day("2026-11-24"))
        == [UsagePoint(start: try day("2026-11-01"), traffic: Traffic(received: 3, sent: .max))])
  }

  @Test(arguments: UsageStep.allCases)
  func `keeps what was before every ledger apart`(step: UsageStep) throws {
    #expect(
      try starts(["0001-01-01", "2026-11-24"], by: step, through: "2026-11-24").first
        == "0001-01-01")
    #expect(
      try starts(["0001-01-01", "2026-11-24"], by: step, through: "2026-11-24").count == 2)
  }

  @Test(arguments: UsageStep.allCases)
  func `ends with the calendar`(step: UsageStep) throws {
    #expect(try starts(["9999-12-30"], by: step, through: "9999-12-31").count >= 1)
  }
}
