import Testing

@testable import Quota

@Suite struct ByteSizeTests {
  static let sizes: [(String, Int64)] = [
    ("0", 0), ("1", 1), ("0010", 10), ("1048576", 1_048_576), ("7B", 7), ("7 b", 7),
    ("1kB", 1000), ("1KB", 1000), ("1kb", 1000), ("2MB", 2_000_000), ("2mb", 2_000_000),
    ("3GB", 3_000_000_000), ("4TB", 4_000_000_000_000), ("4 mB", 4_000_000),
    ("1K", 1024), ("1k", 1024), ("1KiB", 1024), ("1kib", 1024), ("1KIB", 1024),
    ("2M", 2 << 20), ("2MiB", 2 << 20), ("3g", 3 << 30), ("3GiB", 3 << 30), ("4T", 4 << 40),
    ("4TiB", 4 << 40), ("10 MiB", 10 << 20), ("  10   MiB ", 10 << 20),
    ("unlimited", 0), ("Unlimited", 0), ("UNLIMITED", 0), (" unlimited ", 0),
    ("9223372036854775807", Int64.max), ("8388607TiB", 8_388_607 << 40),
  ]

  @Test(arguments: sizes) func `A size is read in bytes, powers of 1000 and powers of 1024`(
    text: String, bytes: Int64
  ) throws {
    #expect(try ByteSize.parse(text) == bytes)
  }

  static let fractions: [(String, Int64)] = [
    ("1.5GiB", 1_610_612_736), ("0.5K", 512), ("1.43GB", 1_430_000_000), ("0.1kB", 100),
    ("0.1KiB", 102), ("1.9", 1), ("0.000000000001TB", 1), ("0.0000000000009TB", 0),
    ("0.999999999999999999TiB", (1 << 40) - 1), ("8388607.999999999999999TiB", Int64.max),
    ("123456789.987654321GB", 123_456_789_987_654_321),
  ]

  @Test(arguments: fractions) func `A fraction is exact, and only a part of one byte is dropped`(
    text: String, bytes: Int64
  ) throws {
    #expect(try ByteSize.parse(text) == bytes)
  }

  static let refusals: [(String, ByteSizeError)] = [
    ("", ByteSizeError.empty), ("   ", .empty), ("-1", .negative), ("-1GiB", .negative),
    ("9223372036854775808", .tooLarge), ("8388608TiB", .tooLarge),
    ("99999999999999999999", .tooLarge), ("9999999999999999999999999999 TB", .tooLarge),
    ("18446744073709551615TB", .tooLarge),
    ("1Kb", .bits), ("1Mb", .bits), ("1 Gb", .bits), ("1Tb", .bits),
    ("ten", .malformed), ("1X", .malformed), ("1XB", .malformed), ("1PB", .malformed),
    ("1GiBs", .malformed), ("1 G B", .malformed), ("1 000", .malformed), ("1,5G", .comma),
    ("1,000MB", .comma), ("1.5,0G", .comma),
    ("1.G", .malformed), (".5G", .malformed), ("1.2.3", .malformed), ("+1", .malformed),
    ("1e9", .malformed), ("0x10", .malformed), ("1\n", .malformed), ("1\0", .malformed),
    ("١G", .malformed), ("1 unlimited", .malformed), ("unlimitedx", .malformed),
    ("1.0000000000000000001", .malformed), ("G", .malformed), ("1\u{1B}[31m", .malformed),
    ("1iB", .malformed), ("1KI", .malformed), ("-", .negative),
  ]

  @Test(arguments: refusals) func `What is not a size is refused for its own reason`(
    text: String, error: ByteSizeError
  ) {
    #expect(throws: error) { try ByteSize.parse(text) }
  }

  @Test func `Bytes that are not UTF-8 are refused like any other garbage`() {
    let bytes: [UInt8] = [0x31, 0xFF, 0xC0]
    #expect(throws: ByteSizeError.malformed) { try ByteSize.parse(bytes.span) }
  }

  static let written: [(Int64, String, String)] = [
    (0, "0 B", "0 B"), (1, "1 B", "1 B"), (999, "999 B", "999 B"), (1000, "1 kB", "1000 B"),
    (1023, "1.02 kB", "1023 B"), (1024, "1.02 kB", "1 KiB"), (1536, "1.54 kB", "1.5 KiB"),
    (1500, "1.5 kB", "1.46 KiB"), (1029, "1.03 kB", "1.00 KiB"), (1030, "1.03 kB", "1.01 KiB"),
    (1010, "1.01 kB", "1010 B"), (1_999, "2.00 kB", "1.95 KiB"),
    (999_994, "999.99 kB", "976.56 KiB"), (999_995, "1.00 MB", "976.56 KiB"),
    (1_048_570, "1.05 MB", "1023.99 KiB"), (1_048_571, "1.05 MB", "1.00 MiB"),
    (1 << 20, "1.05 MB", "1 MiB"), (50_000_000_000, "50 GB", "46.57 GiB"),
    (10_737_418_240, "10.74 GB", "10 GiB"), (1_535_450_153, "1.54 GB", "1.43 GiB"),
    (1 << 40, "1.10 TB", "1 TiB"), (1 << 50, "1125.90 TB", "1024 TiB"),
    (Int64.max, "9223372.04 TB", "8388608.00 TiB"), (-1, "-1 B", "-1 B"),
    (-1536, "-1.54 kB", "-1.5 KiB"), (Int64.min, "-9223372.04 TB", "-8388608 TiB"),
  ]

  @Test(arguments: written)
  func `An amount is written in the unit that fits, with two decimals where it is rounded`(
    bytes: Int64, decimal: String, binary: String
  ) {
    #expect(ByteSize.format(bytes, in: .decimal) == decimal)
    #expect(ByteSize.format(bytes, in: .binary) == binary)
  }

  @Test(arguments: ["50GB", "1.5GB", "500MB", "80kB", "2TB", "1.25GB", "999B"])
  func `An amount that was typed is shown as it was typed`(typed: String) throws {
    let shown = ByteSize.format(try ByteSize.parse(typed), in: .decimal)
    #expect(shown.filter { $0 != " " } == typed)
  }

  @Test func `What is written in whole units reads back as the same amount`() throws {
    for shift in [10, 20, 30, 40] {
      for factor in [Int64(1), 3, 1000] {
        let bytes = factor << Int64(shift)
        #expect(try ByteSize.parse(ByteSize.format(bytes, in: .binary)) == bytes)
      }
    }
  }
}
