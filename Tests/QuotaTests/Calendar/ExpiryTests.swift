import Support
import Quota
import Testing

extension CalendarTests {
  @Suite struct ExpiryTests {
    static let texts: [(String, Expiry)] = [
      ("never", .never), ("NEVER", .never), ("2026-12-31", .on(day("2026-12-31"))),
      ("2020-02-29", .on(day("2020-02-29"))), ("+1h", .within(3600)), ("+12H", .within(43_200)),
      ("+1d", .within(86_400)), ("+30d", .within(2_592_000)), ("+2w", .within(1_209_600)),
      ("+3650d", .within(315_360_000)), ("+87600h", .within(315_360_000)),
      ("+521w", .within(315_100_800)),
    ]

    @Test(arguments: texts) func `An expiry is a date, a time from now, or never`(
      text: String, expiry: Expiry
    ) throws {
      #expect(try Expiry.parse(text) == expiry)
    }

    @Test(arguments: [
      "", "+", "+d", "+h", "30d", "-1d", "+-1d", "++1d", "+1", "+1m", "+1.5d", "+ 1d", "+1 d",
      "+1d ",
      "2026-02-29", "2026-12-31 ", "tomorrow", "+١d",
    ]) func `What is no expiry is refused`(text: String) {
      #expect(throws: ExpiryError.malformed(text)) { try Expiry.parse(text) }
    }

    @Test(arguments: [
      "+0h", "+0d", "+3651d", "+87601h", "+522w", "+9223372036854775807w", "+99999999999999999999h",
    ])
    func `A time from now is an hour to ten years`(text: String) {
      #expect(throws: ExpiryError.length(text)) { try Expiry.parse(text) }
      #expect(
        ExpiryError.length(text).description
          == "\(text) is too short or too long; allowed are 1 hour to 3650 days, +1h to +3650d")
    }

    @Test func `A refusal is one line that says what is allowed`() {
      let allowed =
        "allowed are never, a date such as 2026-12-31, and 1 hour to 3650 days from now such as "
        + "+12h, +30d or +2w"
      #expect(ExpiryError.malformed("soon").description == "soon is no expiry; \(allowed)")
      #expect(
        ExpiryError.malformed("a\nb").description == "the text given is no expiry; \(allowed)")
      #expect(ExpiryError.malformed("").description == "an empty text is no expiry; \(allowed)")
    }

    @Test(
      arguments: [
        (.never, "UTC", nil),
        (.on(day("2026-12-31")), "UTC", "2027-01-01 00:00:00"),
        (.on(day("2026-12-31")), "Asia/Tokyo", "2026-12-31 15:00:00"),
        (.on(day("2026-12-31")), "America/New_York", "2027-01-01 05:00:00"),
        // 30 December was left out: the 29th ends when the 31st begins.
        (.on(day("2011-12-29")), "Pacific/Apia", "2011-12-30 10:00:00"),
        (.on(day("2026-03-29")), "Europe/Berlin", "2026-03-29 22:00:00"),
        (.on(day("9999-12-31")), "UTC", "9999-12-31 24:00:00"),
        (.within(3600), "Asia/Tokyo", "2026-11-24 13:00:00"),
      ] as [(Expiry, String, String?)]) func `A day counts to its end, in its zone`(
        expiry: Expiry, name: String, expected: String?
      )
    {
      let now = utc("2026-11-24 12:00:00")
      #expect(expiry.moment(from: now, in: .system(named: name)) == expected.map(utc))
    }

    @Test func `A time from a moment beyond every calendar stops at the largest there is`() {
      #expect(Expiry.within(3600).moment(from: .max, in: .utc) == .max)
    }
  }
}
