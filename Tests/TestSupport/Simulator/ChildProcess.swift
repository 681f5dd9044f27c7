import Glibc
import System

/// A program that a test talks with line by line, killed when the test lets go of it.
///
/// Its standard input and output are one socket, so that writing to a dead one is an error and not
/// a signal.
final class ChildProcess {
  let processID: pid_t
  private let socket: Int32
  private let program: String
  private var received: [UInt8] = []
  private var isReaped = false

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// - Parameter log: file its standard error is added to.
  init(_ program: String, _ arguments: [String], environment: [String], log: String) throws {
    self.program = program
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw SystemError("make a socket pair for", program)
    }
    defer { close(ends[1]) }
    socket = ends[0]
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    unsafe posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    let words = unsafe ([program] + arguments).map { unsafe strdup($0) }
    let variables = unsafe environment.map { unsafe strdup($0) }
    defer { unsafe (words + variables).forEach { unsafe free($0) } }
    var child: pid_t = 0
    let code = unsafe posix_spawn(
      &child, program, &actions, nil, words + [nil], variables + [nil])
    guard code == 0 else {
      close(ends[0])
      throw SystemError("start", program, code: code)
    }
    processID = child
  }

  deinit {
    end(SIGKILL)
    close(socket)
  }

  /// Ends it by a signal, unless it is over already, and waits for that; gives false if it had to
  /// be killed in the end.
  @discardableResult
  func end(_ signal: Int32, timeout: Duration = .seconds(60)) -> Bool {
    guard !isReaped else { return true }
    isReaped = true
    kill(processID, signal)
    let deadline = Clock.monotonic + timeout
    var status: Int32 = 0
    while unsafe waitpid(processID, &status, WNOHANG) == 0 {
      if Clock.monotonic > deadline {
        kill(processID, SIGKILL)
        _ = retryingOnInterrupt { unsafe waitpid(processID, &status, 0) }
        return false
      }
      usleep(500)
    }
    return true
  }

  /// Sends it a signal that does not end it.
  func signal(_ signal: Int32) { if !isReaped { kill(processID, signal) } }

  /// Writes a line and reads the one that comes back.
  func ask(_ line: String, timeout: Duration = .seconds(60)) throws -> String {
    let bytes = Array((line + "\n").utf8)
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { all in
        unsafe send(
          socket, all.baseAddress?.advanced(by: sent), all.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw SystemError("write to", program) }
      sent += count
    }
    let deadline = Clock.monotonic + timeout
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        defer { received.removeFirst(end + 1) }
        return String(decoding: received[..<end], as: UTF8.self)
      }
      guard let bytes = try Socket.read(socket, until: deadline) else {
        throw Failure(description: "no answer to '\(line)' within \(timeout)")
      }
      guard !bytes.isEmpty else { throw Failure(description: "\(program) died at '\(line)'") }
      received += bytes
    }
  }
}

/// Reading with a deadline.
enum Socket {
  /// Gives what came, nothing at the end of the stream, nil at the deadline.
  static func read(_ socket: Int32, until deadline: Duration) throws -> [UInt8]? {
    while true {
      var place = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      let left = deadline - Clock.monotonic
      guard left > .zero else { return nil }
      guard unsafe poll(&place, 1, Int32(clamping: Int(left / .milliseconds(1)) + 1)) > 0 else {
        continue
      }
      var buffer = [UInt8](repeating: 0, count: 65_536)
      let got = unsafe recv(socket, &buffer, buffer.count, 0)
      if got < 0, errno == EINTR { continue }
      // A peer that was killed with bytes of ours unread resets the connection.
      if got < 0, errno == ECONNRESET { return [] }
      guard got >= 0 else { throw SystemError("read from", "a socket") }
      return Array(buffer.prefix(got))
    }
  }
}
