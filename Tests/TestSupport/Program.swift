import Foundation

/// How a program ended and what it wrote.
package struct Outcome: Sendable {
  /// The exit status, or 128 plus the signal that ended it, as a shell has it.
  package let status: Int32
  /// What it wrote to standard output.
  package let output: String
  /// What it wrote to standard error.
  package let errors: String

  /// Throws what the program complained of, unless it succeeded.
  package func requireSuccess() throws {
    if status != 0 { throw Failure(status: status, errors: errors) }
  }

  /// A program that had to succeed did not.
  package struct Failure: Error, CustomStringConvertible {
    let status: Int32
    let errors: String
    package var description: String { "status \(status): \(errors)" }
  }
}

/// Runs programs for tests: the project's own and the system's.
package enum Program {
  /// The folder with the project's built programs: `QUOTA_PROGRAMS`, else the one the tests were
  /// built into.
  package static var directory: String {
    ProcessInfo.processInfo.environment["QUOTA_PROGRAMS"] ?? built
  }

  /// The folder the tests were built into, with the debug programs: linked dynamically, all of them,
  /// which is what a library needs that is loaded into them.
  package static var built: String {
    Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
      .map { ($0.bundlePath as NSString).deletingLastPathComponent }
      ?? (CommandLine.arguments[0] as NSString).deletingLastPathComponent
  }

  /// The programs that are one executable under several names, and that executable.
  private static let links = [
    "quota-admin": "openvpn-quota", "quota-sweep": "openvpn-quota", "quota-rotate": "openvpn-quota",
    "quota-fence": "openvpn-quota",
    "quota-connect": "quota-hook", "quota-disconnect": "quota-hook",
  ]

  /// The path of one of the project's programs.
  ///
  /// - Parameter folder: where the programs are.
  package static func path(_ name: String, in folder: String = directory) -> String {
    let path = folder + "/" + name
    // The release programs come with their links, SwiftPM makes none.
    if let executable = links[name] { unsafe symlink(executable, path) }
    return path
  }

  /// Copies one of the project's programs, under its own name, to where everybody may run it.
  ///
  /// - Returns: the path of the copy.
  @discardableResult
  package static func copy(_ name: String, into folder: String) throws -> String {
    let copy = "\(folder)/\(name)"
    let original = URL(fileURLWithPath: path(name)).resolvingSymlinksInPath()
    // By another process: what this one has open for writing, a child of another test may have inherited,
    // and then the copy could not be started.
    try run("cp", ["-p", original.path, copy]).requireSuccess()
    return copy
  }

  /// Runs a program to its end.
  ///
  /// - Parameters:
  ///   - path: an absolute path, or a name that is looked up in `PATH`.
  ///   - environment: the whole environment, as OpenVPN gives its hooks a bare one; nil hands on
  ///     the test's own.
  ///   - input: what it finds on standard input.
  ///   - timeout: seconds after which it is killed and the status is 137.
  package static func run(
    _ path: String, _ arguments: [String] = [], environment: [String: String]? = nil,
    input: String = "", timeout: Double = 60
  ) throws -> Outcome {
    let process = Process()
    let resolved = path.contains("/") ? path : "/usr/bin/env"
    process.executableURL = URL(fileURLWithPath: resolved)
    process.arguments = path.contains("/") ? arguments : [path] + arguments
    if let environment { process.environment = environment }
    let folder = try TemporaryDirectory()
    let files = try ["in", "out", "err"].map { name in
      try folder.write(name == "in" ? input : "", to: name)
    }
    process.standardInput = FileHandle(forReadingAtPath: files[0])
    process.standardOutput = FileHandle(forWritingAtPath: files[1])
    process.standardError = FileHandle(forWritingAtPath: files[2])
    try process.runWithSignals()
    let deadline = Date().addingTimeInterval(timeout)
    while process.isRunning, Date() < deadline { usleep(2000) }
    if process.isRunning {
      // Not waited for: while a child of its own lives, Foundation takes it for running.
      kill(process.processIdentifier, SIGKILL)
      return Outcome(status: 128 + SIGKILL, output: try text(files[1]), errors: try text(files[2]))
    }
    process.waitUntilExit()
    let signalled = process.terminationReason == .uncaughtSignal
    return Outcome(
      status: process.terminationStatus + (signalled ? 128 : 0),
      output: try text(files[1]), errors: try text(files[2]))
  }

  private static func text(_ file: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
  }
}

extension Process {
  /// Starts the program with no signal blocked.
  ///
  /// A test runs on a thread that blocks most signals, and a child inherits that: SIGTERM would
  /// never reach it, nor anything it starts.
  package func runWithSignals() throws {
    var none = sigset_t()
    var before = sigset_t()
    unsafe sigemptyset(&none)
    unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    try run()
  }
}

/// What root may do, and mostly may not in a container.
package enum Capability: UInt64 {
  /// Set up networks.
  case netAdmin = 12
  /// Mount.
  case sysAdmin = 21

  /// Whether this process has it.
  package var isEffective: Bool {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    return status.firstMatch(of: /CapEff:\s*([0-9a-f]+)/).flatMap { UInt64($0.1, radix: 16) }
      .map { $0 >> rawValue & 1 == 1 } ?? false
  }
}
