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

/// A setting that is one of a few words; its raw value is the place of its word among them.
package protocol SettingChoice: RawRepresentable<Int> {
  /// The words in small letters with a space between them, in the order of the cases.
  static var words: StaticString { get }
}

extension SettingChoice {
  /// The choice that a word stands for, in any case; nil for another text.
  package init?(word: Span<UInt8>) {
    guard let place = index(of: word, among: Self.words) else { return nil }
    self.init(rawValue: place)
  }
}

/// A text from outside for a one-line message: as it is if it is short and printable ASCII, which
/// cannot break the line or a terminal, and otherwise only referred to.
func shown(_ text: String) -> String {
  if text.isEmpty { return "an empty text" }
  let isPlain = text.utf8.count <= 40 && text.utf8.allSatisfy { 0x20...0x7E ~= $0 }
  return isPlain ? text : "the text given"
}
