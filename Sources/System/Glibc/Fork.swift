import Glibc

/// Runs something in a child of this process, a copy of it, and waits for it. The corresponding C
/// functions are `fork` and `waitpid`. Only for programs with one thread.
///
/// - Parameter body: gives the child's exit status. It does not come back to the caller.
/// - Returns: that status, or 128 plus the signal that ended the child, as a shell has it.
package func inChild(_ body: () -> Int32) throws(SystemError) -> Int32 {
  // What is not written yet would be written twice.
  fflush(nil)
  let child = fork()
  guard child >= 0 else { throw SystemError("start", "a child process") }
  if child == 0 { exit(body()) }
  var status: Int32 = 0
  guard retryingOnInterrupt({ unsafe waitpid(child, &status, 0) }) == child else {
    throw SystemError("wait for", "a child process")
  }
  let signal = status & 0x7f
  return signal == 0 ? status >> 8 & 0xff : 128 + signal
}
