import CSystem

extension Span<UInt8> {
  /// The index of the first line feed or zero byte from an index on; `count` where there is none.
  package func lineEnd(from index: Int) -> Int {
    let rest = extracting(index...)
    return index + (unsafe rest.withUnsafeBytes { unsafe cs_line_end($0.baseAddress, $0.count) })
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
