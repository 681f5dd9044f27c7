import Quota
import Support

extension ByteSize {
  /// The size that an option gives, in bytes, 0 for unlimited.
  ///
  /// - Throws: `CommandError`, 65, that names the option and says what is allowed.
  static func argument(_ argument: String, of option: String) throws(CommandError) -> Int64 {
    do throws(ByteSizeError) {
      return try parse(argument)
    } catch {
      throw .wrong(option, argument, "\(error)")
    }
  }
}

extension Lifetime {
  /// - Throws: `CommandError`, 65, for a date that is past or a text that is none.
  init(
    argument: String, _ fromFirstConnection: Bool, at time: Int64, in zone: Zone
  ) throws(CommandError) {
    let expiry: Expiry
    do { expiry = try Expiry.parse(argument) } catch { throw CommandError("--expires: \(error)") }
    if case .within(let seconds) = expiry {
      self = .lasting(seconds, from: fromFirstConnection ? .firstConnection : .atOnce)
      return
    }
    if fromFirstConnection {
      throw CommandError(
        "--from-first-connection goes with a time, and \(argument) is none; "
          + "allowed are times such as +12h, +30d or +2w")
    }
    guard let end = expiry.moment(from: time, in: zone) else {
      self = .unlimited
      return
    }
    if end <= time {
      throw CommandError(
        "--expires: \(argument) is past; allowed are \(Day(of: time, in: zone)) and later")
    }
    self = .until(end)
  }
}

extension Grace {
  /// The grace that an argument gives: `5%`, a size, or `none`.
  ///
  /// - Throws: `CommandError`, 65, that says what is allowed.
  init(argument: String) throws(CommandError) {
    if argument.lowercased() == "none" {
      self = .none
    } else if argument.hasSuffix("%") {
      guard let percent = Int64(argument.dropLast()), Grace.percentages ~= percent else {
        let largest = Grace.percentages.upperBound
        throw .wrong("--grace", argument, "allowed are 0% to \(largest)%, sizes and none")
      }
      self.init(percent: percent)
    } else {
      self.init(bytes: try ByteSize.argument(argument, of: "--grace"))
    }
  }
}

extension RateTerm {
  /// The rate that an argument gives, or a word that says there is none.
  ///
  /// - Throws: `CommandError`, 65, that names the option and says what is allowed.
  init(argument: String, or none: String, of option: String) throws(CommandError) {
    if argument.lowercased() == none {
      self = .unlimited
      return
    }
    do throws(RateError) { self = .limited(try Rate(parsing: argument)) } catch {
      throw .wrong(option, argument, "\(error), or \(none)")
    }
  }
}

/// How many sessions at once an argument gives, 0 for `unlimited`.
///
/// - Throws: `CommandError`, 65, that says what is allowed.
func sessionLimit(argument: String) throws(CommandError) -> Int64 {
  if argument.lowercased() == "unlimited" || argument == "0" { return 0 }
  guard let number = Int64(argument), 1...1_000_000 ~= number else {
    throw .wrong("--max-sessions", argument, "allowed are 1 to 1000000, and unlimited")
  }
  return number
}

/// The name of a plan that an argument gives.
///
/// - Throws: `CommandError`, 65, for one that nobody could type again.
func planName(argument: String) throws(CommandError) -> String {
  let isPlain = argument.utf8.allSatisfy { byte in
    switch byte {
    case 48...57, 65...90, 97...122: true
    default: ".-_".utf8.contains(byte)
    }
  }
  guard isPlain, 1...64 ~= argument.utf8.count, argument != "none" else {
    throw CommandError(
      "\(CommandError.quoted(argument)) is no name of a plan; allowed are 1 to 64 letters, digits, "
        + "dots, hyphens and underscores, and not none")
  }
  return argument
}

/// The note of a grant that an argument gives.
///
/// - Throws: `CommandError`, 65, for one that is too long or no text.
func note(argument: String) throws(CommandError) -> String {
  let bytes = RawArguments.bytes(of: argument)
  let text = String(decoding: bytes, as: UTF8.self)
  let isText = text.utf8.elementsEqual(bytes) && !bytes.contains { $0 < 0x20 || $0 == 0x7F }
  guard isText, bytes.count <= 200 else {
    throw .wrong(
      "--note", argument, "allowed are up to 200 bytes of UTF-8 without control characters")
  }
  return text
}

struct Moments {
  let now: Int64
  let zone: Zone

  static let allowed =
    "allowed are a date such as 2026-11-01, a time such as 2026-11-01T14:05, today, yesterday, "
    + "now, and 12h, 7d or 4w for so long ago"

  /// What a text means: all of a day for a date, otherwise one second.
  ///
  /// - Parameter option: the option it was given to, for the message.
  /// - Throws: `CommandError`, 65, that says what is allowed.
  func span(of text: String, for option: String) throws(CommandError) -> Range<Int64> {
    let today = Day(of: now, in: zone)
    switch text.lowercased() {
    case "now": return now..<now + 1
    case "today": return span(of: today)
    case "yesterday": return span(of: today + -1)
    default: break
    }
    if let day = Day.parse(text) { return span(of: day) }
    if let moment = moment(text) ?? age(text) { return moment..<moment + 1 }
    throw .wrong(option, text, Moments.allowed)
  }

  private func span(of day: Day) -> Range<Int64> { zone.start(of: day)..<zone.end(of: day) }

  /// The first second at which a clock of the zone shows a time such as `2026-11-01T14:05`, also
  /// with a space.
  private func moment(_ text: String) -> Int64? {
    let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { "Tt ".contains($0) }
    guard parts.count == 2, let day = Day.parse(String(parts[0])),
      let seconds = secondsOfDay(clock: parts[1], parts: 2)
    else { return nil }
    let local = day.number * 86_400 + seconds
    let guess = local - Int64(zone.offset(local))
    return local - Int64(zone.offset(guess))
  }

  /// The moment so long ago: `12h`, `7d`, `4w`, up to 9999 of them.
  private func age(_ text: String) -> Int64? {
    guard 2...5 ~= text.utf8.count, let count = decimal(text.dropLast()) else { return nil }
    switch text.last {
    case "h", "H": return now - count * 3600
    case "d", "D": return now - count * 86_400
    case "w", "W": return now - count * 604_800
    default: return nil
    }
  }
}

/// The second that a UTC time such as `2026-11-23T20:36:45Z` is; nil for anything else.
func time(iso text: String) -> Int64? {
  let parts = text.split(separator: "T", omittingEmptySubsequences: false)
  guard parts.count == 2, parts[1].hasSuffix("Z"), let day = Day.parse(String(parts[0])),
    let seconds = secondsOfDay(clock: parts[1].dropLast(), parts: 3)
  else { return nil }
  return day.number * 86_400 + seconds
}

/// The seconds since midnight that a clock such as `14:05` or `20:36:45` shows; nil for anything else.
///
/// - Parameter parts: 2 for hours and minutes, 3 for seconds as well.
private func secondsOfDay(clock: Substring, parts: Int) -> Int64? {
  let numbers = clock.split(separator: ":", omittingEmptySubsequences: false).map {
    $0.utf8.count == 2 ? decimal($0) ?? 60 : 60
  }
  guard numbers.count == parts, numbers[0] < 24, numbers.allSatisfy({ $0 < 60 }) else { return nil }
  return zip(numbers, [3600, 60, 1]).reduce(0) { $0 + $1.0 * $1.1 }
}
