import Glibc
import Ledger
import Support
import System

/// `quota-sync`, which knows how to reach the centre of hosts that share their users: quota-admin needs
/// no library of PostgreSQL's.
struct SyncProgram {
  /// The argument of `--config`, nil for the default.
  let config: String?

  /// Runs it once, so that the centre knows whom this host knows.
  ///
  /// - Throws: `CommandError`.
  func synchronize() throws { try run([], input: []) }

  /// Changes facts in the centre, and takes them in from there: all of them or none.
  ///
  /// - Throws: `CommandError` where they were not changed.
  func change(_ facts: [SharedFact]) throws { try run(["--change"], input: facts.flatMap(\.line)) }

  private func run(_ arguments: [String], input: [UInt8]) throws {
    let file = try Descriptor.memory(input)
    let answer = try Descriptor.memory()
    let command = [SyncProgram.path] + arguments + (config.map { ["--config", $0] } ?? [])
    let status: Int32
    do {
      status = try System.run(command, input: file, output: answer)
    } catch {
      throw CommandError(
        "nothing was changed: \(error)",
        hint: "this host shares its users with others, which takes the package openvpn-quota-sync",
        exitStatus: .unavailable)
    }
    if status == 0 { return }
    try answer.rewind()
    throw failure(status, saying: try answer.readToEnd(of: "what quota-sync said"))
  }

  /// What became of the change; why, quota-sync has told on standard error.
  private func failure(_ status: Int32, saying word: [UInt8]) -> CommandError {
    let known = ExitStatus(rawValue: status)
    if word == Array("changed\n".utf8) {
      return CommandError(
        "it is changed in the centre of the hosts, and not on this host yet",
        hint: "quota-sync --verbose takes it in", exitStatus: known ?? .inputOutput)
    }
    // One that was killed may have been about to say so.
    if known == nil || !word.isEmpty {
      return CommandError(
        "whether it was changed is not known: the centre was lost meanwhile",
        hint: "look at it once quota-sync has run again", exitStatus: known ?? .inputOutput)
    }
    return CommandError(
      "nothing was changed in the centre of the hosts", exitStatus: known ?? .inputOutput)
  }

  /// Where quota-admin is, or, where that was found in `PATH`, there too.
  private static var path: String {
    let own = CommandLine.arguments[0]
    return own.contains("/") ? "\(directory(of: own))/quota-sync" : "quota-sync"
  }
}
