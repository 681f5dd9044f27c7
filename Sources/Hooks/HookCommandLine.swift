import OpenVPN
import System

/// The command line of a hook, as the server's config gives it: `quota-connect [--config PATH]
/// [--server NAME] [--username-as-common-name] [--duplicate-cn] [--then PROGRAM [ARGUMENT…]] [FILE]`.
///
/// A hook never stops at a bad command line: it says what is wrong and does its work.
package struct HookCommandLine: Equatable, Sendable {
  /// The argument of `--config`.
  package private(set) var config: String?
  /// The argument of `--server`.
  package private(set) var server: [UInt8]?
  /// `--username-as-common-name` and `--duplicate-cn`: what the server's config says, for logins.
  package private(set) var namesByLogin = false
  package private(set) var hasDuplicateNames = false
  /// Which argument names the script that the server already had; all behind it are its own. The file
  /// name that OpenVPN appends to a connect hook's arguments is its last.
  package internal(set) var script: Int?
  /// Whether only the version is asked for.
  package private(set) var asksForVersion = false
  /// What was wrong.
  package private(set) var problems: [String] = []

  /// - Parameter arguments: the program's name, and its arguments.
  package init(_ arguments: [[UInt8]]) {
    var index = 1
    while index < arguments.count {
      let argument = arguments[index]
      let value = index + 1 < arguments.count ? arguments[index + 1] : nil
      if Bytes.equal(argument.span, "--then") {
        script = value == nil ? nil : index + 1
        if value == nil { problems.append("--then wants a program") }
        return
      }
      index += take(argument, value)
    }
  }

  /// Takes an argument, and says how many that were.
  private mutating func take(_ argument: [UInt8], _ value: [UInt8]?) -> Int {
    if Bytes.equal(argument.span, "--config") {
      config = value.map { String(decoding: $0, as: UTF8.self) }
      if value == nil { problems.append("--config wants the path of a file") }
      return 2
    }
    if Bytes.equal(argument.span, "--server") {
      server = value
      if value == nil { problems.append("--server wants a name") }
      return 2
    }
    if Bytes.equal(argument.span, "--version") {
      asksForVersion = true
    } else if Bytes.equal(argument.span, "--username-as-common-name") {
      namesByLogin = true
    } else if Bytes.equal(argument.span, "--duplicate-cn") {
      hasDuplicateNames = true
    } else if argument.first == UInt8(ascii: "-") {
      problems.append("unknown option \(printable(argument, limit: 60))")
    }
    // OpenVPN appends the name of a file to a connect hook's arguments; it is not for us.
    return 1
  }
}
