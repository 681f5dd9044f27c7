// Numbers of a fixed width in bytes, the lowest byte first.

extension Span<UInt8> {
  /// The number in the eight bytes at an index.
  package func word(at index: Int) -> UInt64 {
    precondition(index >= 0 && index + 8 <= count)
    return unsafe withUnsafeBytes { bytes in
      UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
    }
  }

  package func integer(at index: Int) -> Int64 { Int64(bitPattern: word(at: index)) }

  /// The number in the four bytes at an index.
  func half(at index: Int) -> UInt32 {
    precondition(index >= 0 && index + 4 <= count)
    return unsafe withUnsafeBytes { bytes in
      UInt32(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self))
    }
  }
}

extension [UInt8] {
  package init(_ bytes: Span<UInt8>) {
    self = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
  }

  /// Puts bytes in the place of as many others.
  mutating func replace(at index: Int, with other: Span<UInt8>) {
    precondition(index >= 0 && index + other.count <= count)
    unsafe withUnsafeMutableBytes { bytes in
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[index..<index + other.count])
      unsafe other.withUnsafeBytes { unsafe part.copyMemory(from: $0) }
    }
  }

  /// Moves bytes to another place, which may be among them.
  mutating func move(_ range: Range<Int>, to index: Int) {
    precondition(range.upperBound <= count && index >= 0 && index + range.count <= count)
    unsafe withUnsafeMutableBytes { bytes in
      let source = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
      unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[index..<index + range.count])
        .copyMemory(from: source)
    }
  }

  mutating func set(word: UInt64, at index: Int) {
    precondition(index >= 0 && index + 8 <= count)
    unsafe withUnsafeMutableBytes { bytes in
      unsafe bytes.storeBytes(of: word.littleEndian, toByteOffset: index, as: UInt64.self)
    }
  }

  mutating func set(integer: Int64, at index: Int) {
    set(word: UInt64(bitPattern: integer), at: index)
  }

  mutating func set(half: UInt32, at index: Int) {
    precondition(index >= 0 && index + 4 <= count)
    unsafe withUnsafeMutableBytes { bytes in
      unsafe bytes.storeBytes(of: half.littleEndian, toByteOffset: index, as: UInt32.self)
    }
  }

  /// Appends bytes 0, to be set.
  ///
  /// - Returns: where they begin.
  mutating func appendZeros(_ number: Int) -> Int {
    let start = count
    append(contentsOf: repeatElement(0, count: number))
    return start
  }

  package mutating func append(word: UInt64) {
    unsafe Swift.withUnsafeBytes(of: word.littleEndian) { unsafe append(contentsOf: $0) }
  }

  package mutating func append(integer: Int64) { append(word: UInt64(bitPattern: integer)) }

  mutating func append(half: UInt32) {
    unsafe Swift.withUnsafeBytes(of: half.littleEndian) { unsafe append(contentsOf: $0) }
  }
}
