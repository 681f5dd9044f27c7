import Quota

/// Why a value was refused: what is allowed, as the end of a sentence.
struct SettingRefusal: Error {
  let allowed: String

  init(_ allowed: String) { self.allowed = allowed }
}

/// The text that a key was given, and the kinds of value it can be read as.
struct SettingValue {
  /// The bytes between `=` and the end of the line, quotes and escapes already taken out.
  let bytes: [UInt8]

  /// A whole number in a range.
  func number(_ range: ClosedRange<Int>, of unit: StaticString) throws(SettingRefusal) -> Int {
    guard let number = decimal(bytes[...]), range ~= number else {
      throw SettingRefusal(
        "allowed are whole \(unit) from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// A size in bytes, 0 among them.
  func size(atLeast least: Int64, zero: StaticString) throws(SettingRefusal) -> Int64 {
    do {
      let size = try ByteSize.parse(bytes.span)
      if size == 0 || size >= least { return size }
    } catch {
      throw SettingRefusal("\(error), and 0: \(zero)")
    }
    throw SettingRefusal("allowed are \(least) bytes or more, and 0: \(zero)")
  }

  /// One of a few words, in any case.
  func choice<Choice: SettingChoice>() throws(SettingRefusal) -> Choice {
    guard let value = Choice(word: bytes.span) else {
      throw SettingRefusal("allowed is one of: \(Choice.words)")
    }
    return value
  }

  /// Any text without control characters.
  func text() throws(SettingRefusal) -> String {
    guard !hasControlCharacter, let text = String(utf8: bytes) else {
      throw SettingRefusal("allowed is UTF-8 without control characters")
    }
    return text
  }

  /// `yes` or `no`, in any case.
  func yesOrNo() throws(SettingRefusal) -> Bool {
    guard let place = index(of: bytes.span, among: "no yes") else {
      throw SettingRefusal("allowed is one of: no yes")
    }
    return place == 1
  }

  /// An absolute path.
  ///
  /// - Parameters:
  ///   - meaning: what an empty value means, if it may be empty.
  ///   - kind: what it is the path of.
  func path(
    orEmpty meaning: StaticString? = nil, of kind: StaticString = "file"
  ) throws(SettingRefusal) -> String {
    if bytes.isEmpty, meaning != nil { return "" }
    let path = try text()
    guard bytes.first == UInt8(ascii: "/"), bytes.last != UInt8(ascii: "/"), bytes.count < 4096
    else {
      let empty = meaning.map { ", or nothing \($0)" } ?? ""
      throw SettingRefusal("allowed is a \(kind)'s absolute path of at most 4095 bytes\(empty)")
    }
    return path
  }

  /// Where a web server delivers a directory, or nothing.
  func webAddress() throws(SettingRefusal) -> String {
    let address = try text()
    let start = ["https://", "http://"].first { address.hasPrefix($0) }
    guard bytes.isEmpty || start.map({ bytes.count > $0.utf8.count }) == true,
      bytes.count <= 1000, bytes.allSatisfy({ 0x21...0x7E ~= $0 }),
      !bytes.contains(where: "?#\"<>".utf8.contains)
    else {
      throw SettingRefusal(
        "allowed is an address without ? and #, such as https://vpn.example.net/usage/, or nothing")
    }
    return address
  }

  /// Absolute paths with spaces between them; none at all is fine.
  func paths() throws(SettingRefusal) -> [String] {
    let paths = try text().split { $0 == " " || $0 == "\t" }.map(String.init)
    guard paths.allSatisfy({ $0.utf8.first == UInt8(ascii: "/") }) else {
      throw SettingRefusal("allowed are absolute paths, with wildcards and spaces between them")
    }
    return paths
  }

  /// Addresses and networks with spaces between them, each once; none at all is fine.
  func destinations() throws(SettingRefusal) -> [OpenDestination] {
    var destinations: [OpenDestination] = []
    for word in try text().split(whereSeparator: { $0 == " " || $0 == "\t" }) {
      guard let destination = OpenDestination(String(word)) else {
        throw SettingRefusal(
          "allowed are addresses and networks with spaces between them, each with a port and a "
            + "protocol or without, such as 10.8.0.1:53, 192.0.2.0/24:80/tcp or [fd00::1]:53/udp")
      }
      if !destinations.contains(destination) { destinations.append(destination) }
    }
    return destinations
  }

  /// Text that a management command can carry to a client.
  func controlMessage(atMost limit: Int) throws(SettingRefusal) -> [UInt8] {
    guard 1...limit ~= bytes.count, !hasControlCharacter,
      String(utf8: bytes) != nil
    else {
      throw SettingRefusal("allowed are 1 to \(limit) bytes of UTF-8 without control characters")
    }
    return bytes
  }

  /// The name of a time zone.
  func zone() throws(SettingRefusal) -> String {
    if bytes.isEmpty { return "" }
    let name = try text()
    guard Zone.isReadable(name) else {
      throw SettingRefusal(
        "allowed is an IANA name with a readable file below \(Zone.directory), such as "
          + "Europe/Berlin, or nothing for /etc/localtime")
    }
    return name
  }

  /// Percentages with commas between them, in any order; none at all is fine.
  func percentages(_ range: ClosedRange<Int>) throws(SettingRefusal) -> [Int] {
    var percentages: Set<Int> = []
    if bytes.isEmpty { return [] }
    for part in bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      guard let number = decimal(trimmed(part)), range ~= number else {
        throw SettingRefusal(
          "allowed are percentages from \(range.lowerBound) to \(range.upperBound) with commas "
            + "between them")
      }
      percentages.insert(number)
    }
    return percentages.sorted()
  }

  /// `allow`, or seconds and what is done after them.
  func staleness(_ range: ClosedRange<Int>) throws(SettingRefusal) -> Staleness {
    let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    if parts.count == 1, let place = index(of: bytes.span, among: "allow"), place == 0 {
      return Staleness()
    }
    guard parts.count == 2, let seconds = decimal(parts[0]), range ~= seconds,
      let place = index(of: Array(parts[1]).span, among: "allow reject slow"),
      let answer = Staleness.Answer(rawValue: place)
    else {
      throw SettingRefusal(
        "allowed is allow, or seconds from \(range.lowerBound) to \(range.upperBound), a colon, and "
          + "one of allow reject slow, such as 3600:slow")
    }
    return Staleness(after: Int64(seconds), answer)
  }

  private var hasControlCharacter: Bool { bytes.contains { $0 < 0x20 || $0 == 0x7F } }

  private func trimmed(_ part: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var part = part
    while part.first == 32 { part.removeFirst() }
    while part.last == 32 { part.removeLast() }
    return part
  }

  /// At most nine decimal digits.
  private func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
    guard 1...9 ~= digits.count else { return nil }
    var number = 0
    for digit in digits {
      guard 48...57 ~= digit else { return nil }
      number = number * 10 + Int(digit - 48)
    }
    return number
  }
}
