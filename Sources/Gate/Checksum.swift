/// A checksum against damage, of 64 bits. It is no protection: who can write can compute it.
///
/// It takes eight bytes at a time, as a hook checks some pages of the access table in each run.
package func checksum(_ bytes: Span<UInt8>) -> UInt64 {
  var sum = UInt64(truncatingIfNeeded: bytes.count) &* 0x9E37_79B9_7F4A_7C15
  var index = 0
  while index + 8 <= bytes.count {
    sum = mixed(sum ^ bytes.word(at: index))
    index += 8
  }
  var rest: UInt64 = 0
  while index < bytes.count {
    rest = rest << 8 | UInt64(bytes[index])
    index += 1
  }
  return mixed(mixed(sum ^ rest))
}

/// Lets each bit count for the whole word: the multiplication carries it up, the shift down.
func mixed(_ word: UInt64) -> UInt64 {
  let product = word &* 0xFF51_AFD7_ED55_8CCD
  return product ^ product >> 32
}
