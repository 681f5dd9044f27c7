/// Amounts of traffic and of disk, as people write and read them.
///
/// `kB MB GB TB` are powers of 1000; `K M G T` and `KiB MiB GiB TiB` powers of 1024; a bare number
/// (or one with `B`) is bytes; `unlimited` is 0. Amounts are whole bytes from 0 to `Int64.max`.
package enum ByteSize {
  /// The most decimal places a size may be written with.
  private static let places = 18

  /// Reads a size such as `500MB`, `1.5 GiB`, `1048576` or `unlimited`.
  ///
  /// Case does not matter, except that `Kb`, `Mb`, `Gb` and `Tb` are refused: they mean bits as
  /// often as bytes. Fractions are exact; a remaining part of one byte is dropped.
  ///
  /// - Parameter text: the size in ASCII; spaces around it, and before the unit, do not count.
  /// - Throws: `ByteSizeError`, whose description says what is allowed.
  package static func parse(_ text: Span<UInt8>) throws(ByteSizeError) -> Int64 {
    var range = trimmed(text, 0..<text.count)
    if range.isEmpty { throw .empty }
    if matches(text, range, "unlimited") { return 0 }
    if text[range.lowerBound] == UInt8(ascii: "-") { throw .negative }
    let whole = try digits(text, &range)
    guard whole.count > 0 else { throw .malformed }
    var fraction = (value: UInt64(0), count: 0)
    if !range.isEmpty, text[range.lowerBound] == UInt8(ascii: ".") {
      range = range.lowerBound + 1..<range.upperBound
      fraction = try digits(text, &range)
      guard 1...places ~= fraction.count else { throw .malformed }
    }
    if !range.isEmpty, text[range.lowerBound] == UInt8(ascii: ",") { throw .comma }
    let unit = try unit(text, trimmed(text, range))
    return try multiply(whole.value, fraction, by: unit)
  }

  /// Reads a size such as `500MB`, `1.5 GiB`, `1048576` or `unlimited`.
  ///
  /// - Throws: `ByteSizeError`, whose description says what is allowed.
  package static func parse(_ text: String) throws(ByteSizeError) -> Int64 {
    let bytes = Array(text.utf8)
    return try parse(bytes.span)
  }

  /// Writes an amount for people: `0 B`, `50 GB`, `1.5 GB`; two decimals where it had to be rounded,
  /// as in `1.43 GB`.
  ///
  /// - Parameter bytes: any amount; a negative one gets a minus sign.
  package static func format(_ bytes: Int64, in units: ByteUnits) -> String {
    let (sign, amount) = (bytes < 0 ? "-" : "", bytes.magnitude)
    let (base, names) = (units.base, units.names)
    guard amount >= base else { return "\(sign)\(amount) B" }
    var (index, size) = (0, base)
    // 999.995 kB and more would be written 1000.00: that is the next unit's 1.
    while index < 3, hundredths(amount, size) >= base * 100 {
      (index, size) = (index + 1, size * base)
    }
    let (whole, rest) = hundredths(amount, size).quotientAndRemainder(dividingBy: 100)
    var text = "\(sign)\(whole)"
    let (high, low) = amount.multipliedFullWidth(by: 100)
    let isExact = size.dividingFullWidth((high, low)).remainder == 0
    if !isExact || rest % 10 != 0 {
      text += ".\(rest < 10 ? "0" : "")\(rest)"
    } else if rest != 0 {
      text += ".\(rest / 10)"
    }
    return "\(text) \(names[index])"
  }

  /// An amount in hundredths of a unit, rounded to the nearest.
  private static func hundredths(_ amount: UInt64, _ size: UInt64) -> UInt64 {
    let (high, low) = amount.multipliedFullWidth(by: 100)
    let (sum, carry) = low.addingReportingOverflow(size / 2)
    return size.dividingFullWidth((high + (carry ? 1 : 0), sum)).quotient
  }

  private static func digits(
    _ text: Span<UInt8>, _ range: inout Range<Int>
  ) throws(ByteSizeError) -> (value: UInt64, count: Int) {
    var value: UInt64 = 0
    var index = range.lowerBound
    while index < range.upperBound, 48...57 ~= text[index] {
      let (tens, tooMany) = value.multipliedReportingOverflow(by: 10)
      let (sum, tooLarge) = tens.addingReportingOverflow(UInt64(text[index] - 48))
      if tooMany || tooLarge { throw .tooLarge }
      value = sum
      index += 1
    }
    defer { range = index..<range.upperBound }
    return (value, index - range.lowerBound)
  }

  private static func unit(
    _ text: Span<UInt8>, _ range: Range<Int>
  ) throws(ByteSizeError) -> UInt64 {
    if range.isEmpty || matches(text, range, "b") { return 1 }
    let power: Int
    switch text[range.lowerBound] | 0x20 {
    case UInt8(ascii: "k"): power = 1
    case UInt8(ascii: "m"): power = 2
    case UInt8(ascii: "g"): power = 3
    case UInt8(ascii: "t"): power = 4
    default: throw .malformed
    }
    let rest = range.lowerBound + 1..<range.upperBound
    if rest.isEmpty || matches(text, rest, "ib") { return 1 << (10 * UInt64(power)) }
    guard matches(text, rest, "b") else { throw .malformed }
    let isLarge = text[range.lowerBound] & 0x20 == 0
    if isLarge, text[rest.lowerBound] == UInt8(ascii: "b") { throw .bits }
    return [1000, 1_000_000, 1_000_000_000, 1_000_000_000_000][power - 1]
  }

  private static func multiply(
    _ whole: UInt64, _ fraction: (value: UInt64, count: Int), by unit: UInt64
  ) throws(ByteSizeError) -> Int64 {
    var scale: UInt64 = 1
    for _ in 0..<fraction.count { scale *= 10 }
    let part = scale.dividingFullWidth(unit.multipliedFullWidth(by: fraction.value)).quotient
    let (product, tooLarge) = whole.multipliedReportingOverflow(by: unit)
    let (sum, tooMuch) = product.addingReportingOverflow(part)
    guard !tooLarge, !tooMuch, let bytes = Int64(exactly: sum) else { throw .tooLarge }
    return bytes
  }

  private static func trimmed(_ text: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, text[start] == 32 { start += 1 }
    while start < end, text[end - 1] == 32 { end -= 1 }
    return start..<end
  }

  /// Whether a range holds a word, whose letters are small, in any case.
  private static func matches(
    _ text: Span<UInt8>, _ range: Range<Int>, _ word: StaticString
  ) -> Bool {
    guard range.count == word.utf8CodeUnitCount else { return false }
    for offset in 0..<range.count {
      let letter = unsafe word.utf8Start[offset]
      let byte = text[range.lowerBound + offset]
      guard byte == letter || byte == letter - 32 else { return false }
    }
    return true
  }
}

/// The units that amounts are shown in: the setting `UNITS`.
package enum ByteUnits: Int, SettingChoice, Sendable {
  /// `kB MB GB TB`, powers of 1000.
  case decimal
  /// `KiB MiB GiB TiB`, powers of 1024.
  case binary

  package static var words: StaticString { "decimal binary" }

  package var base: UInt64 { self == .decimal ? 1000 : 1024 }

  var names: [String] {
    self == .decimal ? ["kB", "MB", "GB", "TB"] : ["KiB", "MiB", "GiB", "TiB"]
  }
}

/// Why a text is not a size; its description ends with what is allowed.
package enum ByteSizeError: String, Error, CustomStringConvertible {
  case empty = "a size is missing"
  case negative = "a size cannot be negative"
  case tooLarge = "a size can be at most 9223372036854775807 bytes (8388607 TiB)"
  case bits = "a small b after a large letter may mean bits; write MB or MiB for bytes"
  case comma = "a size has no comma in it; decimals are behind a point, as in 1.5GB"
  case malformed = "not a size"

  /// The sizes that can be written, for the end of a message.
  package static let allowed =
    "allowed are bytes, a number with kB, MB, GB or TB (powers of 1000), with K, M, G, T or KiB, "
    + "MiB, GiB, TiB (powers of 1024), or unlimited"

  package var description: String {
    switch self {
    case .empty, .negative, .malformed: "\(rawValue); \(ByteSizeError.allowed)"
    case .tooLarge, .bits, .comma: rawValue
    }
  }
}
