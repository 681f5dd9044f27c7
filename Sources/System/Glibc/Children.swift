import CSystem
// The C library's `environ` is a variable that any thread could change. Ours have one thread while
// they read it.
@unsafe @preconcurrency import Glibc

/// Runs another program, looked up in `PATH`, to its end, with this environment (`posix_spawnp`, `waitpid`).
///
/// - Returns: its exit status, or 128 plus the signal that ended it, as a shell has it.
/// - Throws: `SystemError` where it cannot be run.
package func run(
  _ command: [String], input: borrowing Descriptor, output: borrowing Descriptor,
  errors: borrowing Descriptor = .standardError
) throws(SystemError) -> Int32 {
  var actions = unsafe posix_spawn_file_actions_t()
  unsafe posix_spawn_file_actions_init(&actions)
  defer { unsafe posix_spawn_file_actions_destroy(&actions) }
  unsafe posix_spawn_file_actions_adddup2(&actions, input.number, STDIN_FILENO)
  unsafe posix_spawn_file_actions_adddup2(&actions, output.number, STDOUT_FILENO)
  unsafe posix_spawn_file_actions_adddup2(&actions, errors.number, STDERR_FILENO)
  var arguments = unsafe command.map { unsafe strdup($0) }
  unsafe arguments.append(nil)
  defer { unsafe arguments.forEach { unsafe free($0) } }
  var child: pid_t = 0
  let code = unsafe posix_spawnp(&child, command[0], &actions, nil, arguments, environ)
  guard code == 0 else { throw SystemError("run", command[0], code: code) }
  return try waitForEnd(of: child, called: command[0])
}

/// What a program writes to its standard output.
///
/// - Parameter isQuiet: whether nobody sees its standard error.
/// - Throws: `SystemError` where it cannot be run, or ends with another status than 0.
package func output(
  of command: [String], isQuiet: Bool = false
) throws(SystemError) -> [UInt8] {
  let output = try Descriptor.memory()
  let nothing = try Descriptor.open("/dev/null", O_RDONLY)
  let errors = isQuiet ? try Descriptor.open("/dev/null", O_WRONLY) : Descriptor.standardError
  guard try run(command, input: nothing, output: output, errors: errors) == 0 else {
    throw SystemError("run", command[0], code: ECANCELED)
  }
  try output.rewind()
  return try output.readToEnd(of: command[0])
}

/// Runs something in a child of this process, a copy of it, and waits for it (`fork`, `waitpid`). Only for
/// programs with one thread.
///
/// - Returns: its exit status, or 128 plus the signal that ended it, as a shell has it.
package func inChild(_ body: () -> Int32) throws(SystemError) -> Int32 {
  // What is not written yet would be written twice.
  fflush(nil)
  let child = fork()
  guard child >= 0 else { throw SystemError("start", "a child process") }
  if child == 0 { exit(body()) }
  return try waitForEnd(of: child, called: "a child process")
}

/// Why a program that was run did not do its work.
package enum ChildFailure: Error, Equatable, CustomStringConvertible {
  case notStarted(SystemError)
  case exited(Int32)
  case signalled(Int32)
  case timedOut

  package var description: String {
    switch self {
    case .notStarted(let error): error.description
    case .exited(let status): "it ended with status \(status)"
    case .signalled(let number): "signal \(number) ended it"
    case .timedOut: "it took too long and was killed"
    }
  }
}

/// Runs a program without a shell and without arguments, and waits for it; with all that it started, it is
/// killed when its time is up (`posix_spawn`).
///
/// - Parameter environment: all of its environment, each `NAME=VALUE`.
/// - Throws: `ChildFailure` unless it ends with status 0.
package func runChild(
  _ path: String, environment: [[UInt8]], timeLimit: Duration
) throws(ChildFailure) {
  let child = try spawn(path, environment)
  let end = Clock.monotonic + timeLimit
  var status: Int32 = 0
  var pause: UInt32 = 1_000
  while true {
    let found = unsafe waitpid(child, &status, WNOHANG)
    if found == child { return try check(status) }
    if found < 0, errno != EINTR {
      throw .notStarted(SystemError("wait for", path))
    }
    if Clock.monotonic >= end {
      kill(-child, SIGKILL)
      _ = unsafe waitpid(child, &status, 0)
      throw .timedOut
    }
    usleep(pause)
    pause = min(pause * 2, 50_000)
  }
}

private func check(_ status: Int32) throws(ChildFailure) {
  let (exit, signal) = parts(ofStatus: status)
  if signal != 0 { throw .signalled(signal) }
  if exit != 0 { throw .exited(exit) }
}

/// The macros WEXITSTATUS and WTERMSIG, which Swift does not import.
private func parts(ofStatus status: Int32) -> (exit: Int32, signal: Int32) {
  (status >> 8 & 0xFF, status & 0x7F)
}

/// - Returns: its exit status, or 128 plus the signal that ended it, as a shell has it.
private func waitForEnd(of child: pid_t, called subject: String) throws(SystemError) -> Int32 {
  var status: Int32 = 0
  guard retryingOnInterrupt({ unsafe waitpid(child, &status, 0) }) == child else {
    throw SystemError("wait for", subject)
  }
  let (exit, signal) = parts(ofStatus: status)
  return signal == 0 ? exit : 128 + signal
}

/// Starts a program in a process group of its own.
private func spawn(_ path: String, _ environment: [[UInt8]]) throws(ChildFailure) -> pid_t {
  var attributes = posix_spawnattr_t()
  unsafe posix_spawnattr_init(&attributes)
  defer { unsafe posix_spawnattr_destroy(&attributes) }
  unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
  let arguments = unsafe [strdup(path), nil]
  let variables = unsafe environment.map { variable in
    unsafe (variable + [0]).withUnsafeBytes { bytes in
      unsafe bytes.assumingMemoryBound(to: CChar.self).baseAddress.flatMap { unsafe strdup($0) }
    }
  }
  defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
  var child: pid_t = 0
  let code = unsafe posix_spawn(&child, path, nil, &attributes, arguments, variables + [nil])
  if code != 0 { throw .notStarted(SystemError("run", path, code: code)) }
  return child
}

extension Environment {
  /// Goes once over all variables, each as `NAME=VALUE` without the zero byte at its end, in the
  /// order the system has them; a name may come more than once. The corresponding C variable is
  /// `environ`.
  ///
  /// Only for programs with one thread, for `setenv` in another one would pull it from under this.
  package static func forEach(_ body: (Span<UInt8>) -> Void) {
    let variables: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe environ
    guard var next = unsafe variables else { return }
    while let variable = unsafe next.pointee {
      let bytes = unsafe UnsafeRawBufferPointer(start: variable, count: strlen(variable))
      unsafe body(bytes.bindMemory(to: UInt8.self).span)
      unsafe next += 1
    }
  }
}

/// From here on large blocks go back to the system when they are freed. A sweep has several of some
/// megabytes, one after the other, and would keep them all.
package func returnLargeBlocks() { cs_return_blocks(128 << 10) }
