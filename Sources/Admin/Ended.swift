import Support

/// The end of a command that has said all there is to say.
struct Ended: Error {
  let status: Support.ExitStatus

  /// - Throws: `Ended` for any status but that all was done.
  static func unlessDone(_ status: Support.ExitStatus) throws {
    if status != .done { throw Ended(status: status) }
  }
}
