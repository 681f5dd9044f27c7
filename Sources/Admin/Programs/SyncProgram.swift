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

  /// Asks the centre what was moved on all hosts.
  ///
  /// - Returns: the whole answer.
  /// - Throws: `CommandError` where there is none.
  func ask(_ questions: [UsageQuestion]) throws -> [UsageAnswer] {
    let output = try Descriptor.memory()
    let errors = try Descriptor.memory()
    let status = try start(
      ["--usage"], input: questions.flatMap(\.line), output: output, errors: errors,
      failing: "the other hosts cannot be asked")
    if status != 0 { throw try SyncProgram.failure(status, said: errors) }
    try output.rewind()
    return try output.readToEnd(of: "quota-sync", limit: 1 << 30)
      .split(separator: UInt8(ascii: "\n")).map { line in
        guard let answer = UsageAnswer(line: Array(line)) else {
          throw CommandError(
            "quota-sync says what this quota-admin does not understand",
            hint: "install openvpn-quota-sync in the version of openvpn-quota",
            exitStatus: .unavailable)
        }
        return answer
      }
  }

  /// What quota-sync said of why it failed, in one error of ours.
  private static func failure(
    _ status: Int32, said errors: borrowing Descriptor
  ) throws -> CommandError {
    try errors.rewind()
    let lines = String(decoding: try errors.readToEnd(of: "quota-sync"), as: UTF8.self)
      .split(separator: "\n")
    func text(_ start: String) -> String? {
      lines.first { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
    }
    let reason = text("quota-sync: error: ") ?? "quota-sync ended with status \(status)"
    return CommandError(
      "the other hosts cannot be asked: \(reason)", hint: text("quota-sync: hint: "),
      exitStatus: ExitStatus(rawValue: status) ?? .unavailable)
  }

  private func run(_ arguments: [String], input: [UInt8]) throws {
    let status = try start(
      arguments, input: input, output: .standardOutput, errors: .standardError,
      failing: "nothing was changed")
    if status == 0 { return }
    let known = ExitStatus(rawValue: status) ?? .unavailable
    if known == .locked {
      throw CommandError(
        "nothing was changed: another host changed the same meanwhile",
        hint: "look at it again, and repeat the command if it is still to be", exitStatus: known)
    }
    if known == .inputOutput {
      throw CommandError(
        "whether it was changed is not known: the centre was lost meanwhile",
        hint: "look at it once quota-sync has run again", exitStatus: known)
    }
    throw CommandError("nothing was changed in the centre of the hosts", exitStatus: known)
  }

  /// - Parameter what: what it means where it cannot be run.
  /// - Returns: its exit status.
  private func start(
    _ arguments: [String], input: [UInt8], output: borrowing Descriptor,
    errors: borrowing Descriptor, failing what: String
  ) throws -> Int32 {
    let file = try Descriptor.memory(input)
    let command = [SyncProgram.path] + arguments + (config.map { ["--config", $0] } ?? [])
    do {
      return try System.run(command, input: file, output: output, errors: errors)
    } catch {
      throw CommandError(
        "\(what): \(error)",
        hint: "this host shares its users with others, which takes the package openvpn-quota-sync",
        exitStatus: .unavailable)
    }
  }

  /// Where quota-admin is, or, where that was found in `PATH`, there too.
  private static var path: String {
    let own = CommandLine.arguments[0]
    return own.contains("/") ? "\(directory(of: own))/quota-sync" : "quota-sync"
  }
}
