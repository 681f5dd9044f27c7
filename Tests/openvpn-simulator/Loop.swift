import Glibc
import System

/// Waits for whatever happens next, and does one thing at a time: while a hook runs nobody is
/// answered, as in OpenVPN.
final class Loop {
  private let server: Server
  private let management: Management
  private let console: Console
  private var input: Text = []
  private var inputIsOver = false
  private let signals: Int32

  init(_ options: Options) throws {
    signals = SignalPipe.open()
    server = try Server(options)
    management = try Management(server)
    console = Console(server, management)
  }

  func run() {
    while true {
      server.departIfDue(at: Clock.monotonic)
      if let answer = console.settle() { say(answer) }
      while let line = nextLine() {
        if let answer = console.answer(line) { say(answer) }
        if console.isOver { return stop() }
      }
      if inputIsOver { return management.close() }
      if !wait() { return stop() }
    }
  }

  /// Ends as OpenVPN does on SIGTERM.
  private func stop() {
    server.restart(readingConfig: false)
    management.close()
  }

  /// Waits once; gives false when it is time to stop.
  private func wait() -> Bool {
    let connection = management.connection
    let asked = (
      input: console.isSettling ? -1 : STDIN_FILENO,
      listener: management.accepts ? management.listener : -1,
      connection: connection?.socket ?? -1
    )
    var places = [
      pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
      pollfd(fd: asked.input, events: Int16(POLLIN), revents: 0),
      pollfd(fd: asked.listener, events: Int16(POLLIN), revents: 0),
      pollfd(fd: asked.connection, events: Int16(connection?.interest ?? 0), revents: 0),
    ]
    let wakeUps = [server.nextDeparture, connection?.wakeUp].compactMap { $0 }
    _ = unsafe poll(&places, nfds_t(places.count), milliseconds(until: wakeUps.min()))
    if places[0].revents != 0, !takeSignals() { return false }
    let now = Clock.monotonic
    if places[3].revents & Int16(POLLIN) != 0 {
      management.read()
    } else if places[3].revents & Int16(POLLERR | POLLHUP) != 0 {
      management.hangUp()
    } else if connection != nil {
      management.write(at: now)
    }
    if places[2].revents != 0 { management.accept() }
    if places[1].revents != 0 { readInput() }
    return true
  }

  private func milliseconds(until time: Duration?) -> Int32 {
    guard let time else { return -1 }
    let left = time - Clock.monotonic
    return left <= .zero ? 0 : Int32(clamping: Int(left / .milliseconds(1)) + 1)
  }

  private func takeSignals() -> Bool {
    var signal: UInt8 = 0
    guard unsafe read(signals, &signal, 1) == 1 else { return true }
    switch Int32(signal) {
    case SIGUSR1: server.restart(readingConfig: false)
    case SIGHUP: server.restart(readingConfig: true)
    default: return false
    }
    return true
  }

  private func readInput() {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let got = unsafe read(STDIN_FILENO, &buffer, buffer.count)
    if got > 0 { input += buffer.prefix(got) } else { inputIsOver = true }
  }

  private func nextLine() -> String? {
    guard !console.isSettling, let end = input.firstIndex(of: UInt8(ascii: "\n")) else {
      return nil
    }
    defer { input.removeFirst(end + 1) }
    return String(decoding: input[..<end], as: UTF8.self)
  }

  private func say(_ line: String) {
    let text = Text((line + "\n").utf8)
    let output = Descriptor(owning: dup(STDOUT_FILENO))
    try? output.write(text.span, to: "standard output")
  }
}

/// Turns signals into bytes that `poll` sees.
private enum SignalPipe {
  nonisolated(unsafe) private static var writeEnd: Int32 = -1

  static func open() -> Int32 {
    var ends: [Int32] = [-1, -1]
    unsafe pipe(&ends)
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    unsafe writeEnd = ends[1]
    // The program that starts it may have blocked them, and hooks inherit what is blocked.
    var none = sigset_t()
    unsafe sigemptyset(&none)
    unsafe sigprocmask(SIG_SETMASK, &none, nil)
    for number in [SIGTERM, SIGINT, SIGUSR1, SIGHUP] {
      signal(number) { number in
        var byte = UInt8(truncatingIfNeeded: number)
        _ = unsafe write(SignalPipe.writeEnd, &byte, 1)
      }
    }
    signal(SIGPIPE, SIG_IGN)
    return ends[0]
  }
}
