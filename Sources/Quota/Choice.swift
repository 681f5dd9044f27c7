/// Which of some words a text is, in any case; nil for none of them.
///
/// - Parameter words: in small letters, with one space between them.
package func index(of text: Span<UInt8>, among words: StaticString) -> Int? {
  var (word, matched, isMatch) = (0, 0, true)
  for position in 0...words.utf8CodeUnitCount {
    let isEnd = position == words.utf8CodeUnitCount
    let letter = isEnd ? 32 : unsafe words.utf8Start[position]
    if letter == 32 {
      if isMatch, matched == text.count { return word }
      (word, matched, isMatch) = (word + 1, 0, true)
      continue
    }
    if matched < text.count {
      let byte = text[matched]
      isMatch = isMatch && (65...90 ~= byte ? byte + 32 : byte) == letter
    } else {
      isMatch = false
    }
    matched += 1
  }
  return nil
}
