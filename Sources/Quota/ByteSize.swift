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
  /// - Returns: bytes, 0 or more.
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
    let unit = try unit(text, trimmed(text, range))
    return try multiply(whole.value, fraction, by: unit)
  }

  /// Reads a size such as `500MB`, `1.5 GiB`, `1048576` or `unlimited`.
  ///
  /// - Returns: bytes, 0 or more.
  /// - Throws: `ByteSizeError`, whose description says what is allowed.
  package static func parse(_ text: String) throws(ByteSizeError) -> Int64 {
    let bytes = Array(text.utf8)
    return try parse(bytes.span)
  }

  /// Writes an amount for people: `0 B`, `1023 B`, `1.43 GiB`, in powers of 1024 up to `TiB`.
  ///
  /// - Parameter bytes: any amount; a negative one gets a minus sign.
  package static func format(_ bytes: Int64) -> String {
    let sign = bytes < 0 ? "-" : ""
    let amount = bytes.magnitude
    guard amount >= 1024 else { return "\(sign)\(amount) B" }
    var unit = 0
    // 1023.995 KiB and more would be written 1024.00: that is the next unit's 1.00.
    while unit < 3, hundredths(amount, unit) >= 102_400 { unit += 1 }
    let (whole, rest) = hundredths(amount, unit).quotientAndRemainder(dividingBy: 100)
    return "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest) \(["KiB", "MiB", "GiB", "TiB"][unit])"
  }

  /// Writes an amount as `format` does, with spaces before it so that columns line up.
  ///
  /// - Parameters:
  ///   - bytes: any amount.
  ///   - width: characters to fill; 11 hold everything from 0 B to 1023.99 TiB. A longer text is
  ///     never cut.
  package static func format(_ bytes: Int64, width: Int) -> String {
    let text = format(bytes)
    return String(repeating: " ", count: max(0, width - text.utf8.count)) + text
  }

  /// An amount in hundredths of KiB (unit 0), MiB, GiB or TiB, rounded to the nearest.
  private static func hundredths(_ amount: UInt64, _ unit: Int) -> UInt64 {
    let size: UInt64 = 1 << (10 * (UInt64(unit) + 1))
    let (high, low) = amount.multipliedFullWidth(by: 100)
    let (sum, carry) = low.addingReportingOverflow(size / 2)
    return size.dividingFullWidth((high + (carry ? 1 : 0), sum)).quotient
  }

  /// Takes the decimal digits off the front of a range.
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

  /// How many bytes the unit in a range stands for.
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

/// Why a text is not a size; its description ends with what is allowed.
package enum ByteSizeError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Nothing, or only spaces.
  case empty
  /// A number below zero.
  case negative
  /// More than `Int64.max` bytes.
  case tooLarge
  /// `Kb`, `Mb`, `Gb` or `Tb`, which many read as bits.
  case bits
  /// Anything else.
  case malformed

  /// The sizes that can be written, for the end of a complaint.
  package static let allowed =
    "allowed are bytes, a number with kB, MB, GB or TB (powers of 1000), with K, M, G, T or KiB, "
    + "MiB, GiB, TiB (powers of 1024), or unlimited"

  package var description: String {
    switch self {
    case .empty: "a size is missing; \(ByteSizeError.allowed)"
    case .negative: "a size cannot be negative; \(ByteSizeError.allowed)"
    case .tooLarge: "a size can be at most 9223372036854775807 bytes (8388607 TiB)"
    case .bits: "a small b after a large letter may mean bits; write MB or MiB for bytes"
    case .malformed: "not a size; \(ByteSizeError.allowed)"
    }
  }
}
