import Support

/// Why a command was not done.
struct CommandError: UserFacingError {
  let message: String
  let hint: String?
  let exitStatus: Support.ExitStatus

  init(
    _ message: String, hint: String? = nil, exitStatus: Support.ExitStatus = .badData
  ) {
    self.message = message
    self.hint = hint
    self.exitStatus = exitStatus
  }

  /// What was typed, in quotes, escaped, and cut where it is very long.
  static func quoted(_ argument: String) -> String {
    quoted(bytes: RawArguments.bytes(of: argument))
  }

  /// The same of bytes.
  static func quoted(bytes: [UInt8]) -> String {
    let shown = bytes.count > 60 ? bytes.prefix(60) + Array("...".utf8) : bytes
    return "\"\(String(decoding: Escaping.plain(Array(shown)), as: UTF8.self))\""
  }
}
