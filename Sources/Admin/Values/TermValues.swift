import Support
import Quota

extension ByteSize {
  /// The size that an option gives, in bytes, 0 for unlimited.
  ///
  /// - Throws: `CommandError`, 65, that names the option and says what is allowed.
  static func argument(_ argument: String, of option: String) throws(CommandError) -> Int64 {
    do throws(ByteSizeError) {
      return try parse(argument)
    } catch {
      throw CommandError("\(option) is \(CommandError.quoted(argument)); \(error)")
    }
  }
}

extension Lifetime {
  /// The lifetime that an argument gives.
  ///
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
        throw CommandError(
          "--grace is \(CommandError.quoted(argument)); allowed are 0% to "
            + "\(Grace.percentages.upperBound)%, sizes and none")
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
      throw CommandError("\(option) is \(CommandError.quoted(argument)); \(error), or \(none)")
    }
  }
}

/// How many sessions a user may have at once.
enum SessionLimit {
  private static let allowed: ClosedRange<Int64> = 1...1_000_000

  /// The number that an argument gives, 0 for `unlimited`.
  ///
  /// - Throws: `CommandError`, 65, that says what is allowed.
  static func parse(_ argument: String) throws(CommandError) -> Int64 {
    if argument.lowercased() == "unlimited" || argument == "0" { return 0 }
    guard let number = Int64(argument), allowed ~= number else {
      throw CommandError(
        "--max-sessions is \(CommandError.quoted(argument)); allowed are \(allowed.lowerBound) to "
          + "\(allowed.upperBound), and unlimited")
    }
    return number
  }
}

/// The name of a plan.
enum PlanName {
  /// The name that an argument gives.
  ///
  /// - Throws: `CommandError`, 65, for one that nobody could type again.
  static func parse(_ argument: String) throws(CommandError) -> String {
    let isPlain = argument.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard isPlain, 1...64 ~= argument.utf8.count, argument != "none" else {
      throw CommandError(
        "\(CommandError.quoted(argument)) is no name of a plan; allowed are 1 to 64 letters, digits, "
          + "dots, hyphens and underscores, and not none")
    }
    return argument
  }
}

/// What a grant is remembered by.
enum Note {
  /// The note that an argument gives.
  ///
  /// - Throws: `CommandError`, 65, for one that is too long or no text.
  static func parse(_ argument: String) throws(CommandError) -> String {
    let bytes = RawArguments.bytes(of: argument)
    let text = String(decoding: bytes, as: UTF8.self)
    let isText = text.utf8.elementsEqual(bytes) && !bytes.contains { $0 < 0x20 || $0 == 0x7F }
    guard isText, bytes.count <= 200 else {
      throw CommandError(
        "--note is \(CommandError.quoted(argument)); allowed are up to 200 bytes of UTF-8 without "
          + "control characters")
    }
    return text
  }
}
