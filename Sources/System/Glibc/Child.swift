import Glibc

/// Why a program that was run did not do its work.
package enum ChildFailure: Error, Equatable, CustomStringConvertible {
  /// It could not be started.
  case notStarted(SystemError)
  /// It ended with a status other than 0.
  case exited(Int32)
  /// A signal ended it.
  case signalled(Int32)
  /// It took too long and was killed.
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

/// Runs a program without a shell and waits for it; with all that it started, it is killed when its
/// time is up. The corresponding C function is `posix_spawn`.
///
/// - Parameters:
///   - path: the absolute path; the program gets no arguments.
///   - environment: all of its environment, each `NAME=VALUE`.
///   - timeLimit: how long it may take.
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
  // The macros WIFEXITED and WEXITSTATUS, which Swift does not import.
  if status & 0x7F != 0 { throw .signalled(status & 0x7F) }
  if status >> 8 & 0xFF != 0 { throw .exited(status >> 8 & 0xFF) }
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
