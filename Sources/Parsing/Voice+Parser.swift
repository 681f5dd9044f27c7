import ArgumentParser
import CommandSupport

extension Voice {
  /// Says what ended the reading of a command line: its help or version on standard output, or a
  /// mistake in it.
  ///
  /// - Returns: how the program ends.
  package func answer(
    _ error: any Error, of command: (some ParsableCommand).Type
  ) -> CommandSupport.ExitStatus {
    if command.exitCode(for: error) == .success {
      print(command.fullMessage(for: error))
      return .done
    }
    let message = command.message(for: error)
    self.error(
      message.prefix(1).lowercased() + message.dropFirst(),
      hint: "\(program) --help lists the options")
    return command.exitCode(for: error) == .validationFailure ? .usage : .bug
  }
}
