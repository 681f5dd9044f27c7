import System

/// A conversation with a management interface, without the I/O: bytes and time in, bytes and
/// events out.
///
/// It is made when the socket is connected. The caller hands it what arrives, sends what `takeOutput`
/// gives, wakes it at its `deadline` and looks for events after each of these. It hands over what has
/// arrived before it tells the time: an answer that is read late is not a late answer.
/// Nothing is ever sent to end it: closing the socket is enough, and a `quit` would cost OpenVPN's
/// unsent answers (manage.c, `man_reset_client_socket`).
///
/// Every step has the whole timeout and not more, however little at a time arrives: the greeting,
/// the answer to a password, and each command's answer, from the moment that command is sent. Times
/// are durations since one fixed moment.
package struct ManagementSession: Sendable {
  private enum Phase: Equatable {
    case greeting, password, idle
    case listing(ManagementCommand)
    /// A listing has ended; the process id is to come.
    case processID
    /// The server restarts its sessions and gave no listing; the process id is to come, or came.
    case restarting(ManagementCommand)
    case reply(ManagementCommand)
    /// The server turned a `client-kill` down, and may say so in a second line.
    case fence(ManagementReply)
    case over
  }

  /// The longest line there may be; OpenVPN's have less than 4 KiB.
  private static let longestLine = Int(UInt16.max)
  /// The longest listing there may be, in bytes: 200 000 clients.
  static let longestListing = 32 << 20
  /// How long to wait in the pause of a restart, about a second, until a listing is asked for again.
  private static let restartPause = Duration.milliseconds(250)

  private let password: [UInt8]?
  private let timeout: Duration
  private var phase = Phase.greeting
  private var hasHeard = false
  private var hasSentPassword = false
  private var waiting: [ManagementCommand] = []
  private var output: [UInt8] = []
  private var events: [ManagementEvent] = []

  private var buffer: [UInt8] = []
  /// Where the line begins that is to be read next.
  private var lineStart = 0
  /// Up to where there is no line feed behind `lineStart`.
  private var searched = 0
  private let readsNetworks: Bool
  private var parser: StatusParser

  /// When the step that is under way has failed unless it is done; nil while nothing is awaited.
  private var stepDeadline: Duration?
  /// When to ask again for a listing that the server could not give yet.
  private var nextTry: Duration?

  /// When to call `advance(to:)` at the latest; nil while nothing is awaited.
  package var deadline: Duration? {
    [nextTry, stepDeadline].compactMap(\.self).min()
  }

  /// How many listings have been asked for: it rises when the bytes that ask are in `takeOutput`.
  package private(set) var listingsAsked = 0

  /// Whether the greeting is here and no answer is outstanding.
  package var isIdle: Bool { phase == .idle }

  /// Whether the conversation has failed; it gives its remaining events and does nothing more.
  package var isOver: Bool { phase == .over }

  /// Begins with a connected socket.
  ///
  /// - Parameters:
  ///   - password: sent if the server asks for one; only the first line counts, as OpenVPN reads
  ///     its own password file.
  ///   - timeout: how long each step may take.
  ///   - readsNetworks: whether listings are to have the networks behind clients.
  package init(
    password: [UInt8]?, timeout: Duration, now: Duration, readsNetworks: Bool = false
  ) {
    self.readsNetworks = readsNetworks
    parser = StatusParser(readsNetworks: readsNetworks)
    self.password = password.map(Self.firstLine)
    self.timeout = timeout
    stepDeadline = now + timeout
  }

  package mutating func receive(_ bytes: Span<UInt8>, now: Duration) {
    guard !isOver, !bytes.isEmpty else { return }
    hasHeard = true
    unsafe bytes.withUnsafeBufferPointer { unsafe buffer.append(contentsOf: $0) }
    readLines(now)
    checkSize()
    dropWhatIsDone()
    advance(to: now)
  }

  package mutating func peerClosed(now: Duration) {
    switch phase {
    case .over: break
    case .greeting where !hasHeard: fail(.turnedAway)
    case .greeting, .password, .idle, .listing, .processID, .restarting, .reply, .fence:
      fail(.cutOff(step))
    }
  }

  /// Learns how late it is; past the deadline the conversation has failed.
  package mutating func advance(to now: Duration) {
    guard let stepDeadline, now >= stepDeadline else { return askAgain(now) }
    if case .restarting = phase {
      fail(.restarting)
    } else if phase != .greeting || hasSentPassword {
      fail(.timedOut(step))
    } else if !hasHeard {
      fail(.busy)
    } else {
      let rest = buffer[lineStart...]
      let isGreeting = rest.isEmpty || rest.first == UInt8(ascii: ">")
      let isPrompt = Self.prompt.starts(with: rest)
      fail(isGreeting || isPrompt ? .timedOut(.greeting) : .garbage(printable(rest, limit: 60)))
    }
  }

  /// Asks a question; while another one's answer is outstanding, or the greeting, it waits.
  package mutating func ask(_ command: ManagementCommand, now: Duration) {
    guard !isOver else { return }
    waiting.append(command)
    if phase == .idle { sendNext(now) }
  }

  /// Gives the bytes to send to the server, each once.
  package mutating func takeOutput() -> [UInt8] {
    defer { output = [] }
    return output
  }

  /// Gives what has happened, oldest first; nil when there is nothing new.
  package mutating func nextEvent() -> ManagementEvent? {
    events.isEmpty ? nil : events.removeFirst()
  }

  private static let prompt = Array("ENTER PASSWORD:".utf8)

  private mutating func readLines(_ now: Duration) {
    while !isOver {
      if takePrompt(now) { continue }
      let feed = firstLineFeed(in: buffer.span, from: searched)
      searched = feed
      guard feed < buffer.count else { return }
      let line = lineStart..<lineEnd(feed, from: lineStart, in: buffer.span)
      lineStart = feed + 1
      searched = lineStart
      take(line, now)
    }
  }

  private mutating func take(_ line: Range<Int>, _ now: Duration) {
    if starts(line, with: ">HOLD:") { return fail(.held) }
    switch phase {
    case .greeting: takeGreeting(line)
    case .password: takePasswordAnswer(line, now)
    case .idle: if !isAsynchronous(line) { failAsGarbage(line) }
    case .listing, .processID: takeListing(line, now)
    case .restarting: takeProcessID(line, now)
    case .reply(let command): takeReply(line, to: command)
    case .fence(let reply): if isProcessID(line) { finishStep(.reply(reply)) }
    case .over: break
    }
    if phase == .idle { sendNext(now) }
  }

  /// The prompt for the password, which has no line end (manage.c, `man_prompt_password`).
  private mutating func takePrompt(_ now: Duration) -> Bool {
    guard phase == .greeting || phase == .password,
      starts(lineStart..<buffer.count, with: "ENTER PASSWORD:")
    else { return false }
    lineStart += Self.prompt.count
    searched = lineStart
    if hasSentPassword {
      fail(.wrongPassword)
    } else if let password {
      hasSentPassword = true
      output += password + [Bytes.lineFeed]
      begin(.password, now)
    } else {
      fail(.passwordNeeded)
    }
    return true
  }

  private mutating func takePasswordAnswer(_ line: Range<Int>, _ now: Duration) {
    if starts(line, with: "SUCCESS:") {
      begin(.greeting, now)
    } else if starts(line, with: "ERROR:") {
      fail(.wrongPassword)
    } else if !isAsynchronous(line) {
      failAsGarbage(line)
    }
  }

  /// `>INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info`
  private mutating func takeGreeting(_ line: Range<Int>) {
    guard starts(line, with: ">INFO:OpenVPN Management Interface") else {
      if !isAsynchronous(line) { failAsGarbage(line) }
      return
    }
    let version = buffer[line].split(separator: UInt8(ascii: " "))
      .drop { $0 != ArraySlice("Version".utf8) }.dropFirst().first
    finishStep(.ready(version: version.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0))
  }

  private mutating func takeListing(_ line: Range<Int>, _ now: Duration) {
    let command: ManagementCommand? = if case .listing(let command) = phase { command } else { nil }
    switch parser.take(line, of: buffer) {
    case .taken where command != nil || isAsynchronous(line): break
    case .end where command != nil: phase = .processID
    case .pid: finishListing()
    case .refused:
      if let command, tellsOfRestart(line) { return phase = .restarting(command) }
      fail(.refused(command: command?.name ?? "status", text: remark(line)))
    case .taken, .end, .foreign: failAsGarbage(line)
    }
  }

  /// The process id, which a server gives at any time, ends the answer of one that restarts.
  private mutating func takeProcessID(_ line: Range<Int>, _ now: Duration) {
    if isProcessID(line) {
      parser = StatusParser(readsNetworks: readsNetworks)
      nextTry = now + Self.restartPause
    } else if !isAsynchronous(line) {
      failAsGarbage(line)
    }
  }

  private mutating func askAgain(_ now: Duration) {
    guard let time = nextTry, now >= time, case .restarting(let command) = phase else { return }
    nextTry = nil
    phase = .listing(command)
    listingsAsked += 1
    output += command.text
  }

  private mutating func finishListing() {
    finishStep(.listing(parser.listing))
    parser = StatusParser(readsNetworks: readsNetworks)
  }

  private mutating func takeReply(_ line: Range<Int>, to command: ManagementCommand) {
    guard !isAsynchronous(line) else { return }
    let succeeded = starts(line, with: "SUCCESS:")
    guard succeeded || starts(line, with: "ERROR:") else { return failAsGarbage(line) }
    if tellsOfRestart(line) { return fail(.restarting) }
    let reply = ManagementReply(command: command, succeeded: succeeded, text: remark(line))
    if succeeded || !command.isClientKill { return finishStep(.reply(reply)) }
    phase = .fence(reply)
    output += ManagementCommand.processID
  }

  private func starts(_ line: Range<Int>, with text: StaticString) -> Bool {
    Bytes.starts(buffer.span.extracting(line), with: text)
  }

  private func isAsynchronous(_ line: Range<Int>) -> Bool {
    starts(line, with: ">")
  }

  /// The rest of a `SUCCESS:` or `ERROR:` line.
  private func remark(_ line: Range<Int>) -> String {
    printable(buffer[line].drop { $0 != UInt8(ascii: ":") }.dropFirst().drop { $0 == 32 })
  }

  /// `ERROR: The 'status' command is not supported by the current daemon mode` is what a server says
  /// that has not started, or not again (`man_status`, manage.c). One that waits for a hold release
  /// has said `>HOLD:` in its greeting; any other is in the pause of a restart (tried on 2.5 to 2.7).
  private func tellsOfRestart(_ line: Range<Int>) -> Bool {
    remark(line).hasSuffix("is not supported by the current daemon mode")
  }

  private func isProcessID(_ line: Range<Int>) -> Bool { starts(line, with: "SUCCESS: pid=") }

  private var step: ManagementFailure.Step {
    switch phase {
    case .greeting: .greeting
    case .password: .password
    case .listing, .processID, .restarting: .listing
    case .reply, .fence: .reply
    case .idle, .over: .idle
    }
  }

  private mutating func begin(_ phase: Phase, _ now: Duration) {
    self.phase = phase
    stepDeadline = now + timeout
  }

  private mutating func finishStep(_ event: ManagementEvent) {
    phase = .idle
    stepDeadline = nil
    events.append(event)
  }

  private mutating func sendNext(_ now: Duration) {
    guard !waiting.isEmpty else { return }
    let command = waiting.removeFirst()
    output += command.text
    if command.answer == .listing { listingsAsked += 1 }
    begin(command.answer == .listing ? .listing(command) : .reply(command), now)
  }

  private mutating func fail(_ failure: ManagementFailure) {
    phase = .over
    stepDeadline = nil
    nextTry = nil
    waiting = []
    output = []
    buffer = []
    lineStart = 0
    events.append(.failed(failure))
  }

  private mutating func failAsGarbage(_ line: Range<Int>) {
    fail(.garbage(printable(buffer[line], limit: 60)))
  }

  private mutating func checkSize() {
    let line = lineStart..<buffer.count
    if line.count > Self.longestLine {
      failAsGarbage(line)
    } else if parser.size > Self.longestListing {
      fail(.listingTooLong(limit: Self.longestListing))
    }
  }

  /// Lets go of lines that are read.
  private mutating func dropWhatIsDone() {
    guard lineStart > 0 else { return }
    buffer.removeFirst(lineStart)
    searched -= lineStart
    lineStart = 0
  }

  private static func firstLine(_ bytes: [UInt8]) -> [UInt8] {
    let line = bytes.prefix { $0 != Bytes.lineFeed }
    return Array(line.last == Bytes.carriageReturn ? line.dropLast() : line)
  }
}
