import CommandSupport

/// The end of a command that has said all there is to say.
struct Ended: Error {
  let status: CommandSupport.ExitStatus

  /// - Throws: `Ended` for any status but that all was done.
  static func unlessDone(_ status: CommandSupport.ExitStatus) throws {
    if status != .done { throw Ended(status: status) }
  }
}
