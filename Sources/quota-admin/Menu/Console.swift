import Glibc
import POSIX

/// Somebody who is asked questions on standard output and answers on standard input, a line each.
enum Console {
  /// What came of a question.
  enum Answer: Equatable {
    /// A line, without its end and the spaces around it.
    case line(String)
    /// Ctrl-C: never mind.
    case cancelled
    /// There will be no more answers.
    case end
  }

  /// Makes Ctrl-C end a question rather than the program.
  static func catchInterrupts() {
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { _ in }
    // Without SA_RESTART a read that waits is interrupted.
    action.sa_flags = 0
    unsafe sigaction(SIGINT, &action, nil)
  }

  /// Asks, and waits for the answer.
  ///
  /// - Throws: `SystemError`, as where the terminal is gone.
  static func ask(_ question: String) throws(SystemError) -> Answer {
    try StandardOutput.write(Array("\(question): ".utf8))
    let answer = try readLine()
    if answer == .cancelled || answer == .end { try StandardOutput.write([""]) }
    return answer
  }

  /// Reads byte by byte, for what is behind the line belongs to the next answer.
  private static func readLine() throws(SystemError) -> Answer {
    var line: [UInt8] = []
    while true {
      var byte: UInt8 = 0
      let got = unsafe read(STDIN_FILENO, &byte, 1)
      if got < 0, errno == EINTR { return .cancelled }
      if got < 0 { throw SystemError("read", "standard input") }
      if got == 0, line.isEmpty { return .end }
      if got == 0 || byte == UInt8(ascii: "\n") { return .line(text(line)) }
      // Whoever types more than any answer has is not answering.
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
