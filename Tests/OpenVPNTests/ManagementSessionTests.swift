import Testing

@testable import OpenVPN

private let greeting =
  ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n"
private let hold = "ERROR: The 'status' command is not supported by the current daemon mode\r\n"
private let header =
  "HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tBytes Received\tBytes Sent\t"
  + "Connected Since (time_t)\tClient ID\r\n"
private let halt = Array("HALT,Traffic quota used up".utf8)

/// A session under test with a clock of its own.
private struct Talk {
  var session: ManagementSession
  var now: Duration = .seconds(100)

  init(password: String? = nil, timeout: Duration = .seconds(5)) {
    session = ManagementSession(
      password: password.map { Array($0.utf8) }, timeout: timeout, now: now)
  }

  mutating func hear(_ text: String) { hear(Array(text.utf8)) }
  mutating func hear(_ bytes: [UInt8]) { session.receive(bytes.span, now: now) }
  mutating func ask(_ command: ManagementCommand) { session.ask(command, now: now) }
  mutating func wait(_ time: Duration) {
    now += time
    session.advance(to: now)
  }
  mutating func sent() -> String { text(session.takeOutput()) }

  /// What has happened since the last look, in words.
  mutating func events() -> [String] {
    var words: [String] = []
    while let event = session.nextEvent() {
      switch event {
      case .ready(let version): words.append("ready \(version)")
      case .listing(let listing):
        let names = listing.rows.map { text($0.commonName) }.joined(separator: "|")
        let end = listing.isComplete ? "complete" : "incomplete"
        words.append("listing of \(listing.pid ?? 0), \(end): \(names)")
      case .reply(let reply): words.append((reply.succeeded ? "done: " : "not done: ") + reply.text)
      case .failed(let failure): words.append("failed: \(failure)")
      }
    }
    return words
  }

  mutating func failure() -> ManagementFailure? {
    while let event = session.nextEvent() {
      if case .failed(let failure) = event { return failure }
    }
    return nil
  }

  /// A session that has been greeted.
  static func greeted() -> Talk {
    var talk = Talk()
    talk.hear(greeting)
    _ = talk.events()
    return talk
  }
}

@Suite struct `A management session` {
  @Test func `greets, lists and kills in one conversation`() throws {
    var talk = Talk()
    talk.ask(.listing)
    #expect(talk.sent() == "")
    talk.hear(greeting)
    #expect(talk.events() == ["ready 5"])
    #expect(talk.sent() == "status 3\npid\n")
    talk.hear(Array(try Capture.bytes("status-3.txt").drop { $0 != 10 }.dropFirst()))
    let listed = talk.events()
    #expect(listed.count == 1)
    #expect(listed.first?.hasPrefix("listing of 5325, complete: CLIENT_LIST,mallory|END|") == true)
    #expect(talk.session.isIdle)
    #expect(talk.session.deadline == nil)
    talk.ask(try .clientKill(7, message: halt))
    #expect(talk.sent() == "client-kill 7 \"HALT,Traffic quota used up\"\n")
    talk.hear("SUCCESS: client-kill command succeeded\r\n")
    #expect(talk.events() == ["done: client-kill command succeeded"])
    talk.ask(try .clientKill(8, message: halt))
    talk.hear("ERROR: client-kill command failed\r\n")
    talk.hear("SUCCESS: pid=5325\r\n")
    #expect(talk.events() == ["not done: client-kill command failed"])
    #expect(talk.session.isIdle)
  }

  @Test func `takes one refusal in two lines for one, as some servers give it`() throws {
    var talk = Talk.greeted()
    talk.ask(try .clientKill(8, message: halt))
    talk.ask(try .kill(name: "bob".utf8))
    _ = talk.sent()
    talk.hear("ERROR: client-kill command failed\r\nERROR: no such client\r\n")
    #expect(talk.sent() == "pid\n")
    #expect(talk.events().isEmpty)
    talk.hear("SUCCESS: pid=5325\r\n")
    #expect(talk.events() == ["not done: client-kill command failed"])
    #expect(talk.sent() == "kill \"bob\"\n")
    talk.hear("SUCCESS: common name 'bob' found, 1 client(s) killed\r\n")
    #expect(talk.events() == ["done: common name 'bob' found, 1 client(s) killed"])
  }

  @Test func `asks again in the pause of a restart`() {
    var talk = Talk.greeted()
    talk.ask(.listing)
    #expect(talk.sent() == "status 3\npid\n")
    talk.hear(hold + "SUCCESS: pid=12\r\n")
    #expect(talk.events().isEmpty)
    let next = talk.session.deadline.map { $0 - talk.now }
    #expect(next == .milliseconds(250))
    talk.wait(.milliseconds(250))
    #expect(talk.sent() == "status 3\npid\n")
    #expect(talk.session.listingsAsked == 2)
    talk.hear("TITLE\tx\r\n\(header)END\r\nSUCCESS: pid=12\r\n")
    #expect(talk.events() == ["listing of 12, complete: "])
    #expect(talk.session.deadline == nil)
  }

  @Test func `asks for a listing without user names where the first was cut`() throws {
    var talk = Talk.greeted()
    talk.ask(.listing)
    talk.hear("TITLE\tx\r\n\(header)SUCCESS: pid=12\r\n")
    #expect(talk.events() == ["listing of 12, incomplete: "])
    _ = talk.sent()
    talk.ask(.plainListing)
    #expect(talk.sent() == "status 1\npid\n")
    talk.hear(
      """
      OpenVPN CLIENT LIST\r
      Updated,2026-11-23 20:36:45\r
      Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since\r
      b, "c",10.77.0.2:35040,1836,1823,2026-11-23 20:36:45\r
      ROUTING TABLE\r
      Virtual Address,Common Name,Real Address,Last Ref\r
      10.8.0.2,b, "c",10.77.0.2:35040,2026-11-23 20:36:45\r
      GLOBAL STATS\r
      Max bcast/mcast queue length,0\r
      END\r
      SUCCESS: pid=12\r\n
      """)
    #expect(talk.events() == ["listing of 12, complete: b, \"c\""])
  }

  @Test func `sends one command at a time and tells which one was answered`() throws {
    var talk = Talk.greeted()
    let first = try ManagementCommand.clientKill(1, message: halt)
    let second = try ManagementCommand.kill(name: "bob".utf8)
    talk.ask(first)
    talk.ask(second)
    #expect(talk.sent() == "client-kill 1 \"HALT,Traffic quota used up\"\n")
    #expect(talk.sent() == "")
    talk.hear("SUCCESS: client-kill command succeeded\r\n")
    guard case .reply(let one)? = talk.session.nextEvent() else {
      Issue.record("no reply to the first command")
      return
    }
    #expect(one.command == first)
    #expect(talk.sent() == "kill \"bob\"\n")
    talk.hear("ERROR: common name 'bob' not found\r\n")
    #expect(talk.events() == ["not done: common name 'bob' not found"])
  }

  @Test(arguments: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  func `hears the same in whatever pieces it comes`(seed: UInt64) throws {
    let bytes =
      Array("ENTER PASSWORD:SUCCESS: password is correct\r\n".utf8)
      + (try Capture.bytes("status-3.txt")) + Array(">CLIENT:ESTABLISHED,3\r\n".utf8)
    var whole = Talk(password: "geheim")
    whole.ask(.listing)
    whole.hear(bytes)
    let expected = whole.events()
    #expect(expected.count == 2)
    var pieces = Talk(password: "geheim")
    pieces.ask(.listing)
    var random = SeededGenerator(state: seed)
    var rest = bytes[...]
    while !rest.isEmpty {
      let size = seed == 0 ? 1 : Int.random(in: 1...300, using: &random)
      pieces.hear(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    #expect(pieces.events() == expected)
    #expect(pieces.sent() == whole.sent())
  }

  @Test func `skips asynchronous lines wherever they stand`() {
    let noise = ">CLIENT:ESTABLISHED,3\r\n>CLIENT:ENV,END\r\n>LOG:1,,END\r\n>BYTECOUNT:1,2\r\n"
    var talk = Talk()
    talk.hear(noise + greeting + noise)
    talk.ask(.listing)
    talk.hear(noise + "TITLE\tx\r\n" + noise + header)
    talk.hear("CLIENT_LIST\tann\tr\t10.0.0.1\t1\t2\t3\t4\r\n" + noise + "END\r\n" + noise)
    #expect(talk.events() == ["ready 5"])
    talk.hear("SUCCESS: pid=77\r\n" + noise)
    #expect(talk.events() == ["listing of 77, complete: ann"])
    #expect(talk.session.isIdle)
  }

  @Test func `is not deceived by names that look like the protocol`() {
    var talk = Talk.greeted()
    talk.ask(.listing)
    talk.hear("TITLE\tx\r\n" + header)
    for name in ["END", "SUCCESS: pid=1", "ERROR: no", ">HOLD:x", "x END", "ENTER PASSWORD:"] {
      talk.hear("CLIENT_LIST\t\(name)\tr\t10.0.0.1\t1\t2\t3\t4\r\n")
    }
    #expect(talk.events().isEmpty)
    talk.hear("END\r\nSUCCESS: pid=5\r\n")
    #expect(
      talk.events() == [
        "listing of 5, complete: END|SUCCESS: pid=1|ERROR: no|>HOLD:x|x END|ENTER PASSWORD:"
      ])
  }

  @Test func `takes a process id before the end for a listing without its tail`() throws {
    var talk = Talk.greeted()
    talk.ask(.listing)
    talk.hear(Array(try Capture.bytes("truncated.txt").drop { $0 != 10 }.dropFirst()))
    #expect(talk.events() == ["listing of 5325, incomplete: CLIENT_LIST,mallory|END"])
    talk.ask(.listing)
    talk.hear("TITLE\tx\r\n\(header)END\r\nSUCCESS: pid=5325\r\n")
    #expect(talk.events() == ["listing of 5325, complete: "])
  }

  @Test func `reads two listings after each other as two`() {
    var talk = Talk.greeted()
    talk.ask(.listing)
    talk.ask(.listing)
    let one = "TITLE\tx\r\n\(header)CLIENT_LIST\tann\tr\t10.0.0.1\t1\t2\t3\t4\r\nEND\r\n"
    talk.hear(one + "SUCCESS: pid=5\r\n" + one + "SUCCESS: pid=6\r\n")
    #expect(talk.events() == ["listing of 5, complete: ann", "listing of 6, complete: ann"])
  }

  @Test func `gives every answer of a real server to kills`() throws {
    let replies = try Capture.bytes("replies.txt")
    var talk = Talk()
    for _ in 0..<10 { talk.ask(try .kill(name: "x".utf8)) }
    talk.hear(replies)
    #expect(
      talk.events() == [
        "ready 5", "not done: client-kill command failed",
        "not done: common name 'nobody' not found",
        "done: common name 'bob, \"the\" Builder' found, 1 client(s) killed",
        "not done: client-kill command failed", "not done: bad status format version number",
        "not done: client at address 1.2.3.4:5 not found",
        "not done: unknown command, enter 'help' for more options",
        "not done: error parsing IP address: a",
        "not done: the 'kill' command requires 1 parameter",
        "not done: client-kill command failed",
      ])
  }

  @Test func `absorbs ten thousand rows in small pieces in one pass`() {
    var talk = Talk.greeted()
    talk.ask(.listing)
    var bytes = Array(("TITLE\tx\r\n" + header).utf8)
    let padding = String(repeating: "n", count: 100)
    for id in 0..<10_000 {
      bytes += Array("CLIENT_LIST\t\(padding)\tr\t10.0.0.1\t1\t2\t3\t\(id)\r\n".utf8)
    }
    bytes += Array("END\r\nSUCCESS: pid=5\r\n".utf8)
    let start = ContinuousClock.now
    for at in stride(from: 0, to: bytes.count, by: 1024) {
      talk.hear(Array(bytes[at..<min(at + 1024, bytes.count)]))
    }
    let took = ContinuousClock.now - start
    guard case .listing(let listing)? = talk.session.nextEvent() else {
      Issue.record("no listing")
      return
    }
    #expect(listing.rows.count == 10_000)
    #expect(listing.rows.last?.clientID == 9999)
    // One pass takes a fraction of a second even unoptimized; reading it anew for each piece, of
    // which there are 1 300, would take minutes.
    #expect(took < .seconds(20))
  }

  @Test(arguments: ["status-1.txt", "status-2.txt", "status-3.txt", "tap-3.txt", "truncated.txt"])
  func `survives whatever is done to a real answer`(file: String) throws {
    let original = try Capture.bytes(file)
    let tricks = Array("\t,\r\n>E0-\u{FF}\0".utf8)
    var random = SeededGenerator(state: UInt64(original.count))
    for _ in 0..<200 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...20, using: &random) where bytes.count > 50 {
        let at = Int.random(in: 0..<bytes.count - 40, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[at] = tricks.randomElement(using: &random) ?? 0
        case 1: bytes.remove(at: at)
        case 2: bytes.removeSubrange(at..<at + 40)
        default: bytes.insert(contentsOf: bytes[at..<at + 40], at: 0)
        }
      }
      var talk = Talk.greeted()
      talk.ask(.listing)
      talk.hear(bytes)
      talk.wait(.seconds(5))
      #expect(talk.events().count >= 1)
      let listing = StatusListing(parsing: bytes)
      let whole = listing.rows.allSatisfy {
        $0.commonName.count + $0.realAddress.count + $0.username.count <= bytes.count
          && $0.bytesReceived >= 0 && $0.bytesSent >= 0
      }
      #expect(whole)
    }
  }
}

@Suite struct `A management session with a password` {
  @Test func `answers the prompt, which has no line end`() throws {
    var talk = Talk(password: "geheim\r\nsecond line")
    talk.hear("ENTER PASS")
    #expect(talk.sent() == "")
    talk.hear("WORD:")
    #expect(talk.sent() == "geheim\n")
    talk.hear("SUCCESS: password is correct\r\n" + greeting)
    #expect(talk.events() == ["ready 5"])
  }

  @Test func `does not try a wrong password twice`() throws {
    var talk = Talk(password: "nix")
    talk.hear(try Capture.bytes("wrong-password.txt"))
    #expect(talk.failure() == .wrongPassword)
    #expect(talk.sent() == "")
    var older = Talk(password: "nix")
    older.hear("ENTER PASSWORD:")
    older.hear("ERROR: bad password\r\n")
    #expect(older.failure() == .wrongPassword)
  }

  @Test func `says that there is none where one is needed`() {
    var talk = Talk()
    talk.hear("ENTER PASSWORD:")
    #expect(talk.failure() == .passwordNeeded)
  }

  @Test func `sends none where none is asked for`() {
    var talk = Talk(password: "geheim")
    talk.hear(greeting)
    #expect(talk.sent() == "")
    #expect(talk.events() == ["ready 5"])
  }

  @Test func `has a deadline for the answer of its own`() {
    var talk = Talk(password: "geheim")
    talk.wait(.seconds(4))
    talk.hear("ENTER PASSWORD:")
    talk.wait(.seconds(4))
    #expect(!talk.session.isOver)
    talk.wait(.seconds(1))
    #expect(talk.failure() == .timedOut(.password))
  }

  @Test func `of a server in hold finds the hold`() throws {
    var talk = Talk(password: "geheim")
    talk.hear(try Capture.bytes("hold.txt"))
    #expect(talk.events() == ["ready 5", "failed: \(ManagementFailure.held)"])
  }
}

@Suite struct `A management session fails` {
  @Test func `as busy when connected and not one byte comes`() {
    var talk = Talk()
    #expect(talk.session.deadline == .seconds(105))
    talk.wait(.milliseconds(4999))
    #expect(!talk.session.isOver)
    talk.wait(.milliseconds(1))
    #expect(talk.failure() == .busy)
    #expect(talk.session.deadline == nil)
  }

  @Test func `as turned away when hung up on before the first byte`() {
    var talk = Talk()
    talk.session.peerClosed(now: talk.now)
    #expect(talk.failure() == .turnedAway)
  }

  @Test func `as cut off in every step`() throws {
    let cases: [(ManagementFailure.Step, String, ManagementCommand?)] = [
      (.greeting, ">INFO:Open", nil), (.idle, greeting, nil),
      (.listing, greeting, .listing), (.listing, greeting + "TITLE\tx\r\n" + header, .listing),
      (.listing, greeting + "TITLE\tx\r\nEND", .listing),
      (.listing, greeting + "TITLE\tx\r\nEND\r\nSUCCESS: pid=1", .listing),
      (.reply, greeting + "SUCC", try .kill(name: "x".utf8)),
    ]
    for (step, heard, command) in cases {
      var talk = Talk()
      if let command { talk.ask(command) }
      talk.hear(heard)
      talk.session.peerClosed(now: talk.now)
      #expect(talk.failure() == .cutOff(step), "\(heard)")
      #expect(talk.session.isOver)
    }
    var talk = Talk(password: "x")
    talk.hear("ENTER PASSWORD:")
    talk.session.peerClosed(now: talk.now)
    #expect(talk.failure() == .cutOff(.password))
  }

  @Test func `as timed out in every step`() throws {
    let cases: [(ManagementFailure.Step, String, ManagementCommand?)] = [
      (.greeting, ">INFO:Open", nil), (.greeting, "ENTER PASS", nil),
      (.listing, greeting + "TITLE\tx\r\n" + header, .listing),
      (.listing, greeting + "TITLE\tx\r\nEND\r\n", .listing),
      (.reply, greeting, try .kill(name: "x".utf8)),
    ]
    for (step, heard, command) in cases {
      var talk = Talk()
      if let command { talk.ask(command) }
      talk.hear(heard)
      talk.wait(.seconds(5))
      #expect(talk.failure() == .timedOut(step), "\(heard)")
    }
  }

  @Test func `on time with a server that trickles`() {
    var talk = Talk.greeted()
    talk.ask(.listing)
    talk.hear("TITLE\tx\r\n" + header)
    for _ in 0..<20 {
      talk.now += .milliseconds(250)
      talk.hear(">BYTECOUNT:1,2\r\n")
    }
    #expect(talk.failure() == .timedOut(.listing))
  }

  @Test func `not with a whole answer that was only looked at late`() {
    var talk = Talk.greeted()
    talk.ask(.listing)
    talk.now += .seconds(60)
    talk.hear("TITLE\tx\r\n\(header)END\r\nSUCCESS: pid=5\r\n")
    #expect(talk.events() == ["listing of 5, complete: "])
  }

  @Test func `never while it is idle`() {
    var talk = Talk.greeted()
    talk.wait(.seconds(3600))
    #expect(talk.session.isIdle)
  }

  @Test func `as held`() {
    var greeted = Talk()
    greeted.hear(greeting + ">HOLD:Waiting for hold release:0\r\n")
    #expect(greeted.events() == ["ready 5", "failed: \(ManagementFailure.held)"])
    // The greeting may have come before the rest.
    var asked = Talk.greeted()
    asked.ask(.listing)
    asked.hear(">HOLD:Waiting for hold release:0\r\n" + hold + "SUCCESS: pid=12\r\n")
    #expect(asked.failure() == .held)
  }

  @Test func `as restarting where a restart outlasts its time`() {
    var talk = Talk.greeted()
    talk.ask(.listing)
    _ = talk.sent()
    talk.hear(hold)
    talk.wait(.seconds(4))
    #expect(talk.sent() == "")
    talk.hear("SUCCESS: pid=12\r\n")
    talk.wait(.milliseconds(250))
    #expect(talk.sent() == "status 3\npid\n")
    talk.hear(hold + "SUCCESS: pid=12\r\n")
    talk.wait(.seconds(1))
    #expect(talk.failure() == .restarting)
  }

  @Test func `as restarting when a kill is turned down so`() throws {
    var talk = Talk.greeted()
    talk.ask(try .clientKill(7, message: halt))
    talk.hear(
      "ERROR: The 'client-kill' command is not supported by the current daemon mode\r\n")
    #expect(talk.failure() == .restarting)
  }

  @Test func `with a listing of more than 32 MiB, and no sooner`() {
    var talk = Talk.greeted()
    talk.ask(.listing)
    talk.hear("TITLE\tx\r\n\(header)")
    let name = String(repeating: "x", count: 60_000)
    let row = "CLIENT_LIST\t\(name)\t1.2.3.4:5\t10.8.0.2\t1\t1\t5\t7\r\n"
    let most = (32 << 20) / row.utf8.count
    for _ in 0..<most { talk.hear(row) }
    #expect(!talk.session.isOver)
    talk.hear(row)
    talk.hear(row)
    #expect(talk.failure() == .listingTooLong(limit: 32 << 20))
  }

  @Test func `as refused when an error stands in for the listing`() {
    var talk = Talk.greeted()
    talk.ask(.listing)
    talk.hear("ERROR: bad status format version number\r\n")
    #expect(
      talk.failure()
        == .refused(command: "status", text: "bad status format version number"))
    #expect(talk.session.isOver)
  }

  @Test(arguments: [
    "SSH-2.0-OpenSSH_9.2\r\n", "\r\n", "220 mail ESMTP\r\n", "HTTP/1.1 400 Bad Request\r\n",
    "SUCCESS: pid=1\r\n", "\u{0}\u{1}\n",
  ])
  func `as garbage with something else that listens there`(text: String) {
    var talk = Talk()
    talk.hear(text)
    guard case .garbage? = talk.failure() else {
      Issue.record("not garbage: \(text)")
      return
    }
  }

  @Test func `as garbage with half a line of something else at the deadline`() {
    var talk = Talk()
    talk.hear("login: ")
    talk.wait(.seconds(5))
    #expect(talk.failure() == .garbage("login: "))
  }

  @Test(arguments: ["hello\r\n", "END\r\n", "SUCCESS: pid=0\r\n", "SUCCESS: pid=x\r\n"])
  func `as garbage with a line that belongs nowhere in a listing`(line: String) {
    var talk = Talk.greeted()
    talk.ask(.listing)
    talk.hear(line == "hello\r\n" ? "TITLE\tx\r\n" + line : line)
    guard case .garbage? = talk.failure() else {
      Issue.record("not garbage: \(line)")
      return
    }
  }

  @Test func `as garbage with an answer to no question`() {
    var talk = Talk.greeted()
    talk.hear("SUCCESS: client-kill command succeeded\r\n")
    guard case .garbage? = talk.failure() else {
      Issue.record("an answer without a question was taken")
      return
    }
  }

  @Test func `as garbage with a line without end, in bounded memory`() {
    var talk = Talk.greeted()
    talk.ask(.listing)
    talk.hear("TITLE\tx\r\nCLIENT_LIST\t")
    let block = [UInt8](repeating: 0x78, count: 4096)
    for _ in 0..<17 { talk.hear(block) }
    guard case .garbage(let sample)? = talk.failure() else {
      Issue.record("a line of 68 KiB was taken")
      return
    }
    #expect(sample.utf8.count < 100)
  }

  @Test func `only once, and does nothing after that`() {
    var talk = Talk()
    talk.wait(.seconds(5))
    talk.hear(greeting)
    talk.ask(.listing)
    talk.wait(.seconds(60))
    talk.session.peerClosed(now: talk.now)
    #expect(talk.events().count == 1)
    #expect(talk.sent() == "")
  }

  @Test func `with text that is safe to print`() {
    var talk = Talk.greeted()
    talk.ask(.listing)
    talk.hear("ERROR: \u{1B}[2Jgone\rover \u{202E}txt\r\n")
    let failure = talk.failure()
    #expect(
      failure?.description
        == "it turned down status: \\x1B[2Jgone\\x0Dover \\xE2\\x80\\xAEtxt")
  }

  @Test func `with a message of one lower-case line for each reason`() {
    let steps: [ManagementFailure.Step] = [.greeting, .password, .listing, .reply, .idle]
    let all: [ManagementFailure] =
      [
        .busy, .passwordNeeded, .wrongPassword, .held, .restarting, .turnedAway, .garbage("x"),
        .listingTooLong(limit: 1 << 20),
        .refused(command: "status", text: "x"),
      ] + steps.map { .cutOff($0) } + steps.map { .timedOut($0) }
    #expect(Set(all.map(\.description)).count == all.count)
    for failure in all {
      for line in [failure.description, failure.hint].compactMap(\.self) {
        #expect(!line.hasSuffix(".") && !line.contains("\n"), "\(line)")
      }
      #expect(failure.description.first?.isLowercase == true)
    }
  }
}

/// Random numbers that are the same in every run.
private struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}
