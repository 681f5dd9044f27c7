// The C library's `environ` is a variable that any thread could change. Ours have one thread while
// they read it.
@unsafe @preconcurrency import Glibc

/// Runs another program to its end, with its own standard error and this environment. The
/// corresponding C functions are `posix_spawnp` and `waitpid`.
///
/// - Parameters:
///   - command: its name, which is looked up in `PATH`, and its arguments.
///   - input: its standard input.
///   - output: its standard output.
/// - Returns: its exit status, or 128 plus the signal that ended it, as a shell has it.
/// - Throws: `SystemError` where it cannot be run.
package func run(
  _ command: [String], input: borrowing Descriptor, output: borrowing Descriptor
) throws(SystemError) -> Int32 {
  try run(command, input: input, output: output, errors: Descriptor.standardError)
}

/// Runs another program as the function above does, with a standard error of its own.
package func run(
  _ command: [String], input: borrowing Descriptor, output: borrowing Descriptor,
  errors: borrowing Descriptor
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
  var status: Int32 = 0
  guard retryingOnInterrupt({ unsafe waitpid(child, &status, 0) }) == child else {
    throw SystemError("wait for", command[0])
  }
  let signal = status & 0x7f
  return signal == 0 ? status >> 8 & 0xff : 128 + signal
}

/// What a program writes to its standard output, of which there may be no more than fits into a pipe,
/// 64 KiB.
///
/// - Parameter isQuiet: whether nobody sees its standard error.
/// - Throws: `SystemError` where it cannot be run, or ends with another status than 0.
package func output(
  of command: [String], isQuiet: Bool = false
) throws(SystemError) -> [UInt8] {
  var ends: [Int32] = [-1, -1]
  guard unsafe pipe(&ends) == 0 else { throw SystemError("make a pipe for", command[0]) }
  for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  let reading = Descriptor(owning: ends[0])
  let writing = Descriptor(owning: ends[1])
  let nothing = try Descriptor.open("/dev/null", O_RDONLY)
  let errors = isQuiet ? try Descriptor.open("/dev/null", O_WRONLY) : Descriptor.standardError
  let status = try run(command, input: nothing, output: writing, errors: errors)
  _ = consume writing
  guard status == 0 else { throw SystemError("run", command[0], code: ECANCELED) }
  return try reading.readToEnd(of: command[0])
}
