import Foundation

/// The system calls of a program, as `strace` shows them, and its death in place of one of them.
package struct SystemCalls {
  /// One call: the n-th of its name, counted from 1.
  package struct Call: Hashable, Sendable, CustomStringConvertible {
    package let name: String
    package let number: Int
    /// The line that `strace` writes of it.
    package let line: String

    package var description: String { "\(name) #\(number), \(line.prefix(160))" }
  }

  private let folder: TemporaryDirectory
  private var trace: String { folder.path + "/trace" }

  package init() throws { folder = try TemporaryDirectory() }

  /// Runs a program undisturbed.
  ///
  /// - Parameter wrapper: a command that it is started through, whose own calls are none of its.
  /// - Returns: its calls in order, without the `execve` that began it; and how it ended.
  package func calls(
    of program: String, _ arguments: [String], environment: [String: String],
    through wrapper: [String] = []
  ) throws -> (calls: [Call], outcome: Outcome) {
    let command = wrapper + ["/usr/bin/strace", "-o", trace, program] + arguments
    let outcome = try Program.run(
      command[0], Array(command.dropFirst()), environment: environment)
    var numbers: [String: Int] = [:]
    let lines = try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
    let calls = lines.dropFirst().compactMap { line -> Call? in
      guard let end = line.firstIndex(of: "("), line[..<end].allSatisfy(\.isPartOfName) else {
        return nil
      }
      let name = String(line[..<end])
      numbers[name, default: 0] += 1
      return Call(name: name, number: numbers[name] ?? 1, line: String(line))
    }
    return (calls, outcome)
  }

  /// How many calls a command makes that has to succeed, with the `execve` that begins it.
  package static func count(of command: [String], environment: [String: String]) throws -> Int {
    let (calls, outcome) = try SystemCalls().calls(
      of: command[0], Array(command.dropFirst()), environment: environment)
    try outcome.requireSuccess()
    return calls.count + 1
  }

  /// Runs a program that is killed by SIGKILL in place of a call: the call is not made.
  ///
  /// - Returns: how it ended; 137 where the call came.
  package func run(
    _ program: String, _ arguments: [String], environment: [String: String],
    through wrapper: [String] = [], killedAt call: Call
  ) throws -> Outcome {
    let command =
      wrapper + [
        "/usr/bin/strace", "-o", trace, "-e", "trace=\(call.name)",
        "-e", "inject=\(call.name):signal=SIGKILL:when=\(call.number)", program,
      ] + arguments
    return try Program.run(command[0], Array(command.dropFirst()), environment: environment)
  }
}

extension Character {
  fileprivate var isPartOfName: Bool { isLetter || isNumber || self == "_" }
}

extension SystemCalls.Call {
  /// Calls that change something others see: files, locks, what goes over a socket, the end.
  private static let changing: Set = [
    "write", "pwrite64", "writev", "fsync", "fdatasync", "rename", "unlink", "ftruncate", "flock",
    "link", "mkdir", "fchmod", "fchown", "sendto", "connect", "utimensat", "exit_group",
  ]

  /// Whether the call changes something that others see.
  package var changesSomething: Bool {
    Self.changing.contains(name) || line.contains("O_CREAT")
      || name == "fcntl" && line.contains("F_SETLK")
  }
}
