import Testing

@testable import Quota

@Suite struct RateTests {
  static let shared: [(String, Int64)] = [
    ("1Mbit", 1_000_000), ("512kbit", 512_000), ("1.5Mbit", 1_500_000), ("2 Gbit", 2_000_000_000),
    ("  64 KBIT ", 64_000), ("8000bit", 8000), ("8kbit", 8000), ("1000gbit", 1_000_000_000_000),
    ("0.0080000009Mbit", 8000), ("0008kbit", 8000), ("0.008000mbit", 8000),
    ("1.234567Mbit", 1_234_567),
  ]

  @Test(arguments: shared) func `A rate is read in bits per second, which both directions share`(
    text: String, bits: Int64
  ) throws {
    let rate = try Rate(parsing: text)
    #expect(rate == Rate(shared: bits))
    #expect((rate.down, rate.up, rate.isShared) == (bits, bits, true))
  }

  @Test func `Two rates with a slash between them are for download and upload`() throws {
    let rate = try Rate(parsing: "10Mbit / 512kbit")
    #expect(rate == Rate(down: 10_000_000, up: 512_000))
    #expect(!rate.isShared)
    #expect(try Rate(parsing: "1Mbit/1Mbit") != Rate(parsing: "1Mbit"))
  }

  static let refusals: [(String, RateError)] = [
    ("", .empty), ("  ", .empty), ("1Mbit/", .empty), ("/1Mbit", .empty), ("/", .empty),
    ("1", .withoutUnit), ("512", .withoutUnit), ("1Mbit/2", .withoutUnit), ("8000.5", .withoutUnit),
    ("1MB", .bytes), ("1Mb", .bytes), ("1 kB", .bytes), ("1GiB", .bytes), ("100B", .bytes),
    ("0Mbit", .outOfRange), ("7999bit", .outOfRange), ("7.999kbit", .outOfRange),
    ("1000.000000001Gbit", .outOfRange), ("1001Gbit", .outOfRange), ("1Mbit/1kbit", .outOfRange),
    ("99999999999999999999999999Gbit", .outOfRange), ("9223372036854775808bit", .outOfRange),
    ("1000000000001bit", .outOfRange), ("9999999999999Gbit", .outOfRange),
    ("fast", .malformed), ("Mbit", .malformed), (".5Mbit", .malformed), ("1.Mbit", .malformed),
    ("1..5Mbit", .malformed), ("1.5.2Mbit", .malformed), ("-1Mbit", .malformed),
    ("+1Mbit", .malformed), ("1,5Mbit", .malformed), ("1Mbits", .malformed), ("1Tbit", .malformed),
    ("1Mbit/2Mbit/3Mbit", .malformed), ("1Mbit 2", .malformed), ("1\u{1B}[31mMbit", .malformed),
    ("1e6bit", .malformed), ("1\0Mbit", .malformed), ("１Mbit", .malformed), ("none", .malformed),
  ]

  @Test(arguments: refusals) func `What is not a rate is refused for its own reason`(
    text: String, error: RateError
  ) {
    #expect(throws: error) { try Rate(parsing: text) }
  }

  @Test func `A rate per second is told how to be written`() {
    #expect(throws: RateError.bytes) { try Rate(parsing: "1MB/s") }
    #expect(throws: RateError.bytes) { try Rate(parsing: "1Mbit/s") }
    #expect(throws: RateError.malformed) { try Rate(parsing: "1Mbps") }
  }

  static let texts: [(Rate?, String)] = [
    (Rate(shared: 1_000_000), "1Mbit"), (Rate(shared: 512_000), "512kbit"),
    (Rate(shared: 1_500_000), "1.5Mbit"), (Rate(shared: 999_999), "999.999kbit"),
    (Rate(shared: 1_000_001), "1.000001Mbit"), (Rate(shared: 2_000_000_000), "2Gbit"),
    (Rate(shared: 1_000_000_000_000), "1000Gbit"), (Rate(shared: 8000), "8kbit"),
    (Rate(down: 10_000_000, up: 2_000_000), "10Mbit/2Mbit"),
    (Rate(down: 8001, up: 8001), "8.001kbit/8.001kbit"),
  ]

  @Test(arguments: texts) func `A rate is written as it is read`(rate: Rate?, text: String) throws {
    #expect(rate?.description == text)
    #expect(try Rate(parsing: text) == rate)
  }

  @Test func `No rate is outside the range`() {
    #expect(Rate(shared: 7999) == nil)
    #expect(Rate(shared: 1_000_000_000_001) == nil)
    #expect(Rate(down: 8000, up: 0) == nil)
    #expect(Rate(down: -1, up: 8000) == nil)
  }

  @Test func `Messages say what is wrong and what is allowed`() {
    for error in [RateError.empty, .withoutUnit, .bytes, .malformed] {
      #expect(error.description.hasSuffix(RateError.allowed))
    }
    #expect(RateError.outOfRange.description == "a rate is from 8kbit to 1000Gbit")
  }
}
