// Numbers of a fixed width in bytes, the lowest byte first.

extension Span<UInt8> {
  /// The number in the eight bytes at an index.
  func word(at index: Int) -> UInt64 {
    precondition(index >= 0 && index + 8 <= count)
    return unsafe withUnsafeBytes { bytes in
      UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
    }
  }

  func integer(at index: Int) -> Int64 { Int64(bitPattern: word(at: index)) }

  /// The number in the four bytes at an index.
  func half(at index: Int) -> UInt32 {
    precondition(index >= 0 && index + 4 <= count)
    return unsafe withUnsafeBytes { bytes in
      UInt32(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self))
    }
  }
}

extension [UInt8] {
  init(_ bytes: Span<UInt8>) {
    self = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
  }

  mutating func set(word: UInt64, at index: Int) {
    for byte in 0..<8 { self[index + byte] = UInt8(truncatingIfNeeded: word >> UInt64(8 * byte)) }
  }

  mutating func append(word: UInt64) {
    unsafe Swift.withUnsafeBytes(of: word.littleEndian) { unsafe append(contentsOf: $0) }
  }

  mutating func append(integer: Int64) { append(word: UInt64(bitPattern: integer)) }

  mutating func append(half: UInt32) {
    unsafe Swift.withUnsafeBytes(of: half.littleEndian) { unsafe append(contentsOf: $0) }
  }
}
