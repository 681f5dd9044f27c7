/// Which of some words, in small letters with one space between them, a text is in any case; nil for none.
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

/// What is done about a user the ledger does not know: the setting `UNKNOWN_USERS`.
package enum UnknownUsers: Int, SettingChoice, Sendable {
  /// In, and created with the default quota as soon as something is counted.
  case allow
  /// Out.
  case reject
  /// In, and not metered.
  case ignore

  package static var words: StaticString { "allow reject ignore" }
}

/// What `quota-connect` answers when it cannot tell. The setting `ON_ERROR`.
package enum OnError: Int, SettingChoice, Sendable {
  /// The client comes in.
  case allow
  /// The client stays out.
  case reject

  package static var words: StaticString { "allow reject" }
}

/// Which traffic a quota counts, as the server sees it. The setting `COUNT`.
package enum Count: Int, SettingChoice, Sendable {
  /// Both directions together.
  case total
  /// What the server sent: the user's download.
  case sent
  /// What the server received: the user's upload.
  case received

  package static var words: StaticString { "total sent received" }

  package func bytes(of traffic: Traffic) -> Int64 {
    switch self {
    case .total: traffic.total
    case .sent: traffic.sent
    case .received: traffic.received
    }
  }
}
