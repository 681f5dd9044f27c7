/// The hash by which names are looked up in the access table: SipHash-1-3 with a key that only those
/// can know who may read the table, so that no stranger can choose names with equal hashes.
///
/// After Aumasson and Bernstein, "SipHash: a fast short-input PRF", with one round a word and three at
/// the end.
struct SipHash {
  private var v0: UInt64
  private var v1: UInt64
  private var v2: UInt64
  private var v3: UInt64

  private init(_ key: AccessKey) {
    v0 = key.first ^ 0x736F_6D65_7073_6575
    v1 = key.second ^ 0x646F_7261_6E64_6F6D
    v2 = key.first ^ 0x6C79_6765_6E65_7261
    v3 = key.second ^ 0x7465_6462_7974_6573
  }

  static func hash(_ bytes: Span<UInt8>, _ key: AccessKey) -> UInt64 {
    var state = SipHash(key)
    var index = 0
    while index + 8 <= bytes.count {
      state.add(bytes.word(at: index))
      index += 8
    }
    var last = UInt64(truncatingIfNeeded: bytes.count) << 56
    for (place, rest) in (index..<bytes.count).enumerated() {
      last |= UInt64(bytes[rest]) << UInt64(8 * place)
    }
    state.add(last)
    return state.finished()
  }

  /// The hash of the bytes of three words, the lowest first.
  static func hash(_ words: (UInt64, UInt64, UInt64), _ key: AccessKey) -> UInt64 {
    var state = SipHash(key)
    state.add(words.0)
    state.add(words.1)
    state.add(words.2)
    state.add(24 << 56)
    return state.finished()
  }

  private mutating func add(_ word: UInt64) {
    v3 ^= word
    mix()
    v0 ^= word
  }

  private consuming func finished() -> UInt64 {
    v2 ^= 0xFF
    for _ in 0..<3 { mix() }
    return v0 ^ v1 ^ v2 ^ v3
  }

  private mutating func mix() {
    v0 &+= v1
    v1 = v1.rotated(by: 13) ^ v0
    v0 = v0.rotated(by: 32)
    v2 &+= v3
    v3 = v3.rotated(by: 16) ^ v2
    v0 &+= v3
    v3 = v3.rotated(by: 21) ^ v0
    v2 &+= v1
    v1 = v1.rotated(by: 17) ^ v2
    v2 = v2.rotated(by: 32)
  }
}

extension UInt64 {
  @inline(__always)
  fileprivate func rotated(by bits: UInt64) -> UInt64 { self << bits | self >> (64 - bits) }
}

/// The random bits that key the hash.
package struct AccessKey: Equatable, Sendable {
  package var first: UInt64
  package var second: UInt64

  package init(first: UInt64, second: UInt64) {
    self.first = first
    self.second = second
  }
}
