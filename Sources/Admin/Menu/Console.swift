import Glibc
import System

/// A person who is asked questions on standard output and answers on standard input, a line each.
struct Console {
  /// What came of a question.
  enum Answer: Equatable {
    /// A line, without its end and the spaces around it.
    case line(String)
    /// Ctrl-C: never mind.
    case cancelled
    /// There will be no more answers.
    case end
  }

  /// The signals that are held back while a person waits for an answer: not Ctrl-C.
  private let waiting: sigset_t

  /// Makes Ctrl-C end a question rather than the program. One that comes between two questions is
  /// kept for the next.
  init() {
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { _ in }
    unsafe sigaction(SIGINT, &action, nil)
    var (interrupt, before) = (sigset_t(), sigset_t())
    unsafe sigemptyset(&interrupt)
    unsafe sigaddset(&interrupt, SIGINT)
    unsafe sigprocmask(SIG_BLOCK, &interrupt, &before)
    waiting = before
  }

  /// Runs a command, which Ctrl-C interrupts only where it waits for an answer itself.
  func run(_ command: () throws(SystemError) -> Void) throws(SystemError) {
    var (mask, before) = (waiting, sigset_t())
    unsafe sigprocmask(SIG_SETMASK, &mask, &before)
    defer { unsafe sigprocmask(SIG_SETMASK, &before, nil) }
    try command()
  }

  /// Asks, and waits for the answer.
  ///
  /// - Throws: `SystemError`, as where the terminal is gone.
  func ask(_ question: String) throws(SystemError) -> Answer {
    try StandardOutput.write(Array("\(question): ".utf8))
    let answer = try readLine()
    if answer == .cancelled || answer == .end { try StandardOutput.write([""]) }
    return answer
  }

  /// Reads byte by byte, for what is behind the line belongs to the next answer.
  private func readLine() throws(SystemError) -> Answer {
    var mask = waiting
    var line: [UInt8] = []
    while true {
      // Descriptor 0 and no other.
      var input = fd_set()
      input.__fds_bits.0 = 1
      if unsafe pselect(1, &input, nil, nil, nil, &mask) < 0, errno == EINTR { return .cancelled }
      var byte: UInt8 = 0
      let got = retryingOnInterrupt { unsafe read(STDIN_FILENO, &byte, 1) }
      if got < 0 { throw SystemError("read", "standard input") }
      if got == 0, line.isEmpty { return .end }
      if got == 0 || byte == UInt8(ascii: "\n") { return .line(Console.text(line)) }
      // A line longer than any answer is not one.
      if line.count < 4096 { line.append(byte) }
    }
  }

  private static func text(_ line: [UInt8]) -> String {
    let isSpace: (UInt8) -> Bool = { $0 == 32 || $0 == 9 || $0 == 13 }
    let kept = line.drop(while: isSpace)
    let end = kept.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? kept.startIndex
    return RawArguments.text(Array(kept[..<end]))
  }
}
