import CSystem

extension Span<UInt8> {
  /// The index of the first byte from an index on that is one of two; `count` where there is none.
  package func firstIndex(of byte: UInt8, or other: UInt8, from index: Int) -> Int {
    let rest = extracting(index...)
    return index
      + (unsafe rest.withUnsafeBytes {
        Int(unsafe cs_find_either($0.baseAddress, $0.count, byte, other))
      })
  }

  /// The index behind the last byte before an index that is one of two; 0 where there is none.
  package func startIndex(behind byte: UInt8, or other: UInt8, before index: Int) -> Int {
    let found = unsafe extracting(..<index).withUnsafeBytes {
      Int(unsafe cs_find_last_either($0.baseAddress, $0.count, byte, other))
    }
    return found < index ? found + 1 : 0
  }

  /// The decimal number that begins at an index, with a minus sign or without, and the index behind
  /// it; nil where there is none, or it has more than 64 bits.
  package func number(at index: Int) -> (value: Int64, end: Int)? {
    var value: Int64 = 0
    let length = unsafe extracting(index...).withUnsafeBytes {
      Int(unsafe cs_number($0.baseAddress, $0.count, &value))
    }
    return length > 0 ? (value, index + length) : nil
  }

  /// The number in a field of a line; nil where it is none. Tabs separate fields, the first is 0.
  package func number(inField field: Int) -> Int64? {
    var value: Int64 = 0
    let isNumber = unsafe withUnsafeBytes {
      unsafe cs_field_number($0.baseAddress, $0.count, field, &value) != 0
    }
    return isNumber ? value : nil
  }

  /// The first line from an index on, ended by a line feed or a zero byte, in which a field is one of
  /// some ascending numbers.
  ///
  /// - Returns: where there is none, what follows the last line, to the end.
  package func line(from index: Int, withField field: Int, among numbers: [Int64]) -> Range<Int> {
    let rest = extracting(index...)
    var end = 0
    let start = unsafe rest.withUnsafeBytes { bytes in
      unsafe numbers.withUnsafeBufferPointer { numbers in
        Int(
          unsafe cs_find_line(
            bytes.baseAddress, bytes.count, field, numbers.baseAddress, numbers.count, &end))
      }
    }
    return index + start..<index + end
  }

  /// The index where a text begins for the first time from an index on (`memmem`); nil if it does not.
  package func firstIndex(of text: Span<UInt8>, from index: Int) -> Int? {
    let rest = extracting(index...)
    let found = unsafe rest.withUnsafeBytes { bytes in
      unsafe text.withUnsafeBytes { text in
        unsafe cs_find(bytes.baseAddress, bytes.count, text.baseAddress, text.count)
      }
    }
    return found < rest.count ? index + found : nil
  }
}

/// A checksum against damage, of 64 bits. It is no protection: who can write can compute it.
///
/// It is made for speed, as a hook checks some pages of the access table in each run.
package func checksum(_ bytes: Span<UInt8>) -> UInt64 {
  unsafe bytes.withUnsafeBytes { unsafe cs_checksum($0.baseAddress, $0.count) }
}
