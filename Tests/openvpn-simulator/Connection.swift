import Glibc
import System

/// The one management client, with OpenVPN's ways of reading and writing: it reads only when all
/// it had to say is out, 256 bytes at a time, and drops what is left to say on `quit`.
final class Connection {
  let behaviour: Behaviour
  let socket: Int32
  /// Whether the password was given, or none is asked for.
  private(set) var isTrusted: Bool
  /// Whether the server waits for `hold release`.
  var isHeld: Bool
  private let password: Text?
  private var tries = 0
  private var input: Text = []
  private var output: Text = []
  private var written = 0
  private var nextByte = Duration.zero
  /// Nothing is heeded and, once the output is out, nothing written any more.
  private(set) var isFrozen = false
  private var hangsUpWhenWritten = false
  private static let slowStep = Duration.milliseconds(20)
  private static let longestLine = 1024

  init(socket: Int32, behaviour: Behaviour, options: Options) {
    self.socket = socket
    self.behaviour = behaviour
    password = options.password
    isTrusted = password == nil
    isHeld = behaviour == .hold
    switch behaviour {
    case .closing: hangsUpWhenWritten = true
    case .garbage:
      var state: UInt64 = 0x9E37_79B9_7F4A_7C15
      for _ in 0..<4096 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        output.append(UInt8(truncatingIfNeeded: state >> 33))
      }
      isFrozen = true
    case .http:
      output += "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: 19\r\n"
      output += "Connection: close\r\n\r\n<p>Bad Request</p>\r\n"
      hangsUpWhenWritten = true
    case .endless, .flood: isFrozen = true
    default: if isTrusted { greet(options) } else { output += "ENTER PASSWORD:" }
    }
  }

  deinit { close(socket) }

  private func greet(_ options: Options) {
    let version = options.release.managementVersion
    say(">INFO:OpenVPN Management Interface Version \(version) -- type 'help' for more info")
    if isHeld { say(">HOLD:Waiting for hold release:0") }
    if behaviour == .mute { isFrozen = true }
  }

  /// Queues a line.
  func say(_ line: String) { output += line + "\r\n" }

  /// Queues bytes as they are.
  func say(_ text: Text) { output += text }

  /// Queues the first half of an answer, and is silent or gone after that.
  func sayHalf(of text: Text, thenHangUp: Bool) {
    output += text.prefix(text.count / 2)
    isFrozen = true
    hangsUpWhenWritten = thenHangUp
  }

  private var hasOutput: Bool { written < output.count }

  /// What to poll the socket for.
  var interest: Int32 {
    if behaviour == .endless || behaviour == .flood { return POLLOUT }
    if hasOutput { return behaviour == .slow ? 0 : POLLOUT }
    return POLLIN
  }

  /// When it wants to be woken whatever the socket does.
  var wakeUp: Duration? { behaviour == .slow && hasOutput ? nextByte : nil }

  /// Whether there is nothing more to do for this connection.
  var isOver: Bool { hangsUpWhenWritten && !hasOutput }

  /// Writes what the socket takes, at most 64 KiB; gives false when the client is gone.
  func write(at now: Duration) -> Bool {
    switch behaviour {
    case .flood where !hasOutput:
      for number in 0..<100 { say(">LOG:1795466205,I,line \(number) of a server that talks a lot") }
    case .endless where !hasOutput: output.append(contentsOf: repeatElement(65, count: 4096))
    default: break
    }
    for _ in 0..<64 where hasOutput {
      if behaviour == .slow {
        guard now >= nextByte else { return true }
        nextByte = now + Self.slowStep
      }
      let count = behaviour == .slow ? 1 : min(1024, output.count - written)
      let sent = unsafe output.withUnsafeBytes { bytes in
        unsafe send(
          socket, bytes.baseAddress?.advanced(by: written), count,
          Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      }
      if sent < 0 { return errno == EAGAIN || errno == EINTR }
      written += sent
    }
    if !hasOutput {
      output.removeAll()
      written = 0
    }
    return true
  }

  /// Reads once; gives the complete lines, nil when the client hung up.
  func read() -> [Text]? {
    var buffer = [UInt8](repeating: 0, count: 256)
    let got = unsafe recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    if got < 0 { return errno == EAGAIN || errno == EINTR ? [] : nil }
    if got == 0 { return nil }
    if isFrozen { return [] }
    var lines: [Text] = []
    for byte in buffer.prefix(got) {
      if byte == UInt8(ascii: "\n") {
        lines.append(input)
        input.removeAll()
      } else if byte >= 32, byte != 127 {
        // A line that does not fit is forgotten without a word.
        if input.count >= Self.longestLine { input.removeAll() }
        input.append(byte)
      }
    }
    return lines
  }

  /// Takes a line as the password; gives false after the third wrong one.
  func takePassword(_ line: Text, _ options: Options) -> Bool {
    if line == password {
      isTrusted = true
      say("SUCCESS: password is correct")
      greet(options)
      return true
    }
    tries += 1
    guard tries < 3 else { return false }
    output += "ENTER PASSWORD:"
    return true
  }
}
