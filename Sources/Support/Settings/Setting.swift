import Quota
import System

/// One key of `quota.conf`: all that is known about it, in one place.
struct Setting: Sendable {
  /// The key, which is also the name of the environment variable.
  let name: String
  /// Checks a value and stores it.
  ///
  /// - Throws: `SettingRefusal`.
  let take: @Sendable (inout Settings, SettingValue) throws -> Void
  /// What is unusual about a value that was taken, if anything.
  let advice: @Sendable (Settings) -> String?

  private init<Value>(
    _ name: String, _ property: WritableKeyPath<Settings, Value> & Sendable,
    advice: @escaping @Sendable (Settings) -> String? = { _ in nil },
    _ read: @escaping @Sendable (SettingValue) throws -> Value
  ) {
    self.name = name
    self.advice = advice
    take = { settings, value in settings[keyPath: property] = try read(value) }
  }

  /// Every key, in the order of the sample file and of `quota.conf(5)`.
  static let all: [Setting] = [
    Setting("DATABASE", \.database) { try $0.path() },
    Setting("MANAGEMENT", \.management) { try $0.text() },
    Setting("OPENVPN_CONFIGS", \.openvpnConfigs) { try $0.paths() },
    Setting("MONITOR_INTERVAL", \.monitorInterval) { try $0.number(30...60, of: "seconds") },
    Setting("MANAGEMENT_TIMEOUT", \.managementTimeout) { try $0.number(1...30, of: "seconds") },
    Setting("RETRY_ATTEMPTS", \.retryAttempts) { try $0.number(1...10, of: "tries") },
    Setting("LOG_FILE", \.logFile) { try $0.path(orEmpty: "for no file") },
    Setting("LOG_LEVEL", \.logLevel) { try $0.choice() },
    Setting("MAX_LOG_SIZE", \.maxLogSize) { try $0.size(atLeast: 4096, zero: "never rotate") },
    Setting("LOG_GENERATIONS", \.logGenerations) { try $0.number(1...99, of: "files") },
    Setting("RETENTION_DAYS", \.retentionDays) { try $0.number(1...36500, of: "days") },
    Setting("HOURLY_DAYS", \.hourlyDays) { try $0.number(1...3650, of: "days") },
    Setting("IDENTIFY_BY", \.identifyBy) { try $0.choice() },
    Setting("NAMES", \.names) { try $0.choice() },
    Setting("UNKNOWN_USERS", \.unknownUsers) { try $0.choice() },
    Setting("DEFAULT_QUOTA", \.defaultQuota) { try $0.size(atLeast: 1, zero: "unlimited") },
    Setting("ON_ERROR", \.onError) { try $0.choice() },
    Setting("COUNT", \.count) { try $0.choice() },
    Setting("KILL_MESSAGE", \.killMessage, advice: killMessageAdvice) {
      try $0.controlMessage(atMost: 255)
    },
    Setting("TIME_ZONE", \.timeZone) { try $0.zone() },
    Setting("UNITS", \.units) { try $0.choice() },
    Setting("NOTIFY_AT", \.notifyAt) { try $0.percentages(1...999) },
    Setting("NOTIFY_DAYS_LEFT", \.notifyDaysLeft) { try $0.number(0...365, of: "days") },
    Setting("NOTIFY_COMMAND", \.notifyCommand) { try $0.path(orEmpty: "for no command") },
    Setting("FENCE", \.fence) { try $0.yesOrNo() },
    Setting("FENCE_OPEN", \.fenceOpen) { try $0.destinations() },
    Setting("USER_PAGES", \.userPages) { try $0.path(orEmpty: "for no pages", of: "directory") },
    Setting("USER_PAGES_URL", \.userPagesURL) { try $0.webAddress() },
    Setting("SYNC", \.sync) { try $0.text() },
    Setting("SYNC_INTERVAL", \.syncInterval) { try $0.number(5...3600, of: "seconds") },
    Setting("SYNC_STALE", \.syncStale) { try $0.staleness(60...864_000) },
  ]

  static func named(_ name: String) -> Setting? { all.first { $0.name == name } }

  /// A client does something about these three only; of anything else it logs an unknown message.
  @Sendable private static func killMessageAdvice(_ settings: Settings) -> String? {
    let word = settings.killMessage.prefix { $0 != UInt8(ascii: ",") }
    for known in ["HALT", "RESTART", "AUTH_FAILED"] where word.elementsEqual(known.utf8) {
      return nil
    }
    return "clients only act on a message that is HALT, RESTART or AUTH_FAILED, or begins with one "
      + "of these and a comma"
  }
}

/// Why a value was refused: what is allowed, as the end of a sentence.
struct SettingRefusal: Error {
  let allowed: String

  init(_ allowed: String) { self.allowed = allowed }
}

/// The text that a key was given, and the kinds of value it can be read as.
struct SettingValue {
  /// The bytes between `=` and the end of the line, quotes and escapes already taken out.
  let bytes: [UInt8]

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

  func text() throws(SettingRefusal) -> String {
    guard !hasControlCharacter, let text = String(utf8: bytes) else {
      throw SettingRefusal("allowed is UTF-8 without control characters")
    }
    return text
  }

  func yesOrNo() throws(SettingRefusal) -> Bool {
    guard let place = index(of: bytes.span, among: "no yes") else {
      throw SettingRefusal("allowed is one of: no yes")
    }
    return place == 1
  }

  /// - Parameter meaning: what an empty value means, if it may be empty.
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
  func staleness(_ range: ClosedRange<Int>) throws(SettingRefusal) -> Staleness? {
    let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    if parts.count == 1, let place = index(of: bytes.span, among: "allow"), place == 0 {
      return nil
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
    return Quota.decimal(String(decoding: digits, as: UTF8.self)).map { Int($0) }
  }
}

/// Where everybody may always send, at full speed, whatever their quota: one entry of `FENCE_OPEN`.
package struct OpenDestination: Hashable, Sendable {
  package enum Transport: String, Sendable { case tcp, udp }

  package let network: InternetNetwork
  package let port: UInt16?
  /// The protocol; nil for TCP and UDP where there is a port, else for any.
  package let transport: Transport?

  /// Reads `10.8.0.1`, `10.8.0.1:53`, `192.0.2.0/24:80/tcp`, `fd00::/64`, `[fd00::1]:53/udp`.
  ///
  /// - Returns: nil for anything else. Bits of the address behind the prefix are made zero.
  package init?(_ text: String) {
    var rest = text[...]
    transport = ["/tcp", "/udp"].first { rest.hasSuffix($0) }.flatMap {
      rest = rest.dropLast($0.utf8.count)
      return Transport(rawValue: String($0.dropFirst()))
    }
    var network = rest
    var port: UInt16?
    let colons = rest.utf8.count { $0 == UInt8(ascii: ":") }
    if rest.first == "[" || colons == 1 {
      let end = rest.lastIndex(of: rest.first == "[" ? "]" : ":") ?? rest.endIndex
      network = rest[..<end]
      var behind = rest[end...]
      if rest.first == "[" {
        guard behind.first == "]" else { return nil }
        network = network.dropFirst()
        behind = behind.dropFirst()
        guard network.contains(":") else { return nil }
      }
      if !behind.isEmpty {
        behind = behind.dropFirst(behind.first == ":" ? 1 : behind.utf8.count)
        guard behind.utf8.count <= 5, let number = decimal(behind), 1...65535 ~= number else {
          return nil
        }
        port = UInt16(number)
      }
    }
    self.port = port
    guard let known = InternetNetwork(network) else { return nil }
    self.network = known
  }
}
