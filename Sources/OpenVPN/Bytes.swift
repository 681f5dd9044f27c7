/// Reading ASCII out of bytes in place: what OpenVPN sends is never a `String` on its way in.
package enum Bytes {
  static let lineFeed = UInt8(ascii: "\n")
  static let carriageReturn = UInt8(ascii: "\r")

  package static func equal(_ bytes: Span<UInt8>, _ text: StaticString) -> Bool {
    bytes.count == text.utf8CodeUnitCount && starts(bytes, with: text)
  }

  static func starts(_ bytes: Span<UInt8>, with text: StaticString) -> Bool {
    guard bytes.count >= text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { wanted in
      for index in wanted.indices where unsafe wanted[index] != bytes[index] { return false }
      return true
    }
  }

  /// The number that decimal digits and nothing else spell, `UInt64.max` where it is larger than
  /// that; nil for anything but digits, a sign and nothing at all among it.
  static func decimal(_ digits: Span<UInt8>) -> UInt64? {
    guard !digits.isEmpty else { return nil }
    var value: UInt64 = 0
    for index in digits.indices {
      let digit = digits[index] &- UInt8(ascii: "0")
      guard digit <= 9 else { return nil }
      let (tens, tooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, tooLargeToo) = tens.addingReportingOverflow(UInt64(digit))
      value = tooLarge || tooLargeToo ? .max : sum
    }
    return value
  }

  /// A byte counter. OpenVPN counts in 64 bits without a sign; what is beyond `Int64.max` is
  /// `Int64.max`.
  static func counter(_ digits: Span<UInt8>) -> Int64? {
    decimal(digits).map { Int64(clamping: $0) }
  }

  /// A number in a range, such as a port or a process id.
  static func number(_ digits: Span<UInt8>, in range: ClosedRange<Int64>) -> Int64? {
    decimal(digits).flatMap { Int64(exactly: $0) }.flatMap { range.contains($0) ? $0 : nil }
  }
}

/// Seconds since 1970 that OpenVPN may state: no sign, and room left for arithmetic on them.
let momentRange: ClosedRange<Int64> = 0...(1 << 56)

/// Process ids as Linux has them.
let processIDRange: ClosedRange<Int64> = 1...Int64(Int32.max)
