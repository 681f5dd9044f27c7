@testable import OpenVPN

extension FuzzTarget {
  /// Whatever a management interface, or something else at its address, says. Each byte of the first
  /// line is the length of a piece in which the rest arrives.
  static let management = FuzzTarget("management") { bytes throws(Broken) in
    let (head, said) = parts(of: bytes)
    guard said.count < 1 << 16 else { return }
    let pieces = head.map { Int($0 & 31) + 1 }
    let whole = Talk(said[...], in: [said.count])
    try checkEvents(of: whole)
    for other in [Talk(said[...], in: pieces), Talk(said[...], in: [1])] {
      try same(other.events, whole.events, "what happens where it arrives in pieces")
      if whole.session.isOver {
        try require(other.sent.starts(with: whole.sent), "what is sent before it fails")
      } else {
        try same(other.sent, whole.sent, "what is sent where it arrives in pieces")
      }
    }
    try checkCut(of: said, at: pieces.reduce(0, +), whole)
    try checkEnd(of: whole)
  }

  private static func checkEvents(of talk: Talk) throws(Broken) {
    try require(talk.events.count <= Talk.commands.count + 2, "there is one event an answer")
    for event in talk.events.dropLast() {
      try require(!event.hasPrefix("failed"), "nothing comes behind a failure")
    }
    let isOver = talk.events.last?.hasPrefix("failed") == true
    try same(talk.session.isOver, isOver, "whether it is over")
    try require(!isOver || talk.session.deadline == nil, "what is over is not awaited")
  }

  /// What is cut off never says more than the whole, and a listing without its END is not complete.
  private static func checkCut(
    of said: [UInt8], at place: Int, _ whole: Talk
  ) throws(Broken) {
    var start = 0
    for line in lines(of: said) {
      if line == Array("END".utf8) || line == Array("END\r".utf8) { break }
      start += line.count + 1
    }
    let cut = said.prefix(min(place, start))
    var talk = Talk(cut, in: [cut.count])
    talk.session.peerClosed(now: .zero)
    talk.takeEvents()
    let known = talk.events.filter { !$0.hasPrefix("failed") }
    try require(whole.events.starts(with: known), "a part says nothing that the whole does not")
    // A server leaves lines out, never parts of them.
    let kept = cut[...(cut.lastIndex(of: 10) ?? -1)]
    let answered = Talk(kept + Array("SUCCESS: pid=7\r\n".utf8), in: [said.count + 18])
    try require(
      !answered.events.contains { $0.hasPrefix("listing complete") },
      "a listing that was cut is not complete")
  }

  /// Waiting ends at the deadline and not before, and ends it all.
  private static func checkEnd(of whole: Talk) throws(Broken) {
    var whole = whole
    // In the pause of a restart it wakes to ask again.
    while let time = whole.session.deadline, !whole.session.isOver, time < .seconds(5) {
      whole.session.advance(to: time)
      _ = whole.session.takeOutput()
    }
    guard let deadline = whole.session.deadline else { return }
    var talk = whole
    talk.session.advance(to: deadline - .nanoseconds(1))
    try require(!talk.session.isOver, "it goes on before its deadline")
    talk.session.advance(to: deadline)
    talk.takeEvents()
    try require(talk.session.isOver, "it is over at its deadline")
    try same(talk.events.count, whole.events.count + 1, "the events at the deadline")
    try require(talk.session.takeOutput().isEmpty, "nothing is sent when it is over")
  }
}

/// A conversation with everything it brought about.
private struct Talk {
  /// What is asked, in this order.
  static let commands: [ManagementCommand] = {
    let kill = try? ManagementCommand.kill(name: Array("alice".utf8))
    let clientKill = try? ManagementCommand.clientKill(1, message: Array("HALT,over".utf8))
    return [.listing, kill, clientKill, .listing].compactMap { $0 }
  }()

  var session = ManagementSession(
    password: Array("secret".utf8), timeout: .seconds(5), now: .zero)
  private(set) var events: [String] = []
  private(set) var sent: [UInt8] = []

  /// Lets a server say something in pieces of these lengths, which are gone through again and again.
  init(_ said: ArraySlice<UInt8>, in lengths: [Int]) {
    for command in Talk.commands { session.ask(command, now: .zero) }
    var rest = said
    var round = 0
    while !rest.isEmpty {
      let piece = rest.prefix(lengths.isEmpty ? 1 : max(1, lengths[round % lengths.count]))
      session.receive(piece.span, now: .zero)
      takeEvents()
      rest = rest.dropFirst(piece.count)
      round += 1
    }
  }

  mutating func takeEvents() {
    while let event = session.nextEvent() { events.append(describe(event)) }
    sent += session.takeOutput()
  }

  private func describe(_ event: ManagementEvent) -> String {
    switch event {
    case .ready(let version): "ready \(version)"
    case .listing(let listing):
      "listing \(listing.isComplete ? "complete" : "incomplete") \(listing.isTruncated)"
        + " \(listing.pid ?? 0) \(listing.serverTime ?? 0) \(listing.malformedRows)"
        + " \(listing.dcoEnabled) \(text(listing.title))"
        + listing.rows.map(describe).joined()
    case .reply(let reply): "reply \(reply.succeeded) \(text(reply.command.text)) \(reply.text)"
    case .failed(let failure): "failed \(failure) \(failure.hint ?? "")"
    }
  }

  private func describe(_ row: StatusRow) -> String {
    "\n\(text(row.commonName)) \(text(row.username)) \(text(row.realAddress))"
      + " \(text(row.virtualAddress)) \(text(row.virtualIPv6Address)) \(row.bytesReceived)"
      + " \(row.bytesSent) \(row.connectedSince ?? -1) \(row.clientID ?? .max) \(row.isSession)"
  }
}
