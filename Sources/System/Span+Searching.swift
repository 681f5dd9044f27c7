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

  /// The index where a byte stands for the n-th time, counted from 0; nil where it is rarer.
  package func index(of byte: UInt8, number: Int) -> Int? {
    let found = unsafe withUnsafeBytes {
      Int(unsafe cs_find_nth($0.baseAddress, $0.count, byte, number))
    }
    return found < count ? found : nil
  }

  /// The index where a text begins for the first time from an index on; nil where it is not there.
  /// The corresponding C function is `memmem`.
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
