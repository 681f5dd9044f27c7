import ArgumentParser
import Glibc
import System

/// Whether the person really wants what cannot be undone.
struct Consent: ParsableArguments {
  @Flag(help: "Do not ask.")
  var yes = false

  /// Asks on the terminal, unless `--yes` was given.
  ///
  /// - Parameter question: what is about to happen, such as `remove alice`.
  /// - Throws: `CommandError`, 64, where there is no terminal to ask on.
  func isGiven(to question: String) throws -> Bool {
    if yes { return true }
    guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else {
      throw CommandError(
        "there is no terminal to ask on: \(question)?", hint: "--yes does it without asking",
        exitStatus: .usage)
    }
    try Descriptor.standardError.write(Array("\(question)? [y/N] ".utf8).span, to: "the terminal")
    let answer = readLine(strippingNewline: true)?.lowercased()
    if answer == "y" || answer == "yes" { return true }
    try StandardOutput.write(["nothing was changed"])
    return false
  }
}
