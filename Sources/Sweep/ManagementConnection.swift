import OpenVPN
import System

/// A connection to a management interface: the stream that drives a `ManagementSession`.
final class ManagementConnection {
  private let environment: SweepEnvironment
  private let timeout: Duration
  private var stream: (any ManagementStream)?
  private var session: ManagementSession?
  private var password: [UInt8]?
  private var outgoing: ArraySlice<UInt8> = []
  private var connectDeadline: Duration
  /// Why it is over, if it is.
  private(set) var failure: ServerFailure?
  /// What came: events of the session, oldest first.
  private var events: [ManagementEvent] = []
  /// The number of the management interface's version, 0 before the greeting.
  private(set) var version = 0
  /// A listing that was cut, while the one that takes its place is awaited.
  private var cut: ReceivedListing.Part?
  /// The last listing; nil while one is awaited.
  private(set) var listing: ReceivedListing?
  /// How many listings were asked for, and when the last one was.
  private var asked = (count: 0, at: Int64(0), journalPosition: Int64(0))

  /// What came of asking for a listing.
  struct ReceivedListing {
    /// The listing in format 3.
    let whole: Part
    /// Where that was cut, the one in format 1 that was asked for next.
    var plain: Part?

    /// When the last of it was here.
    var at: Duration { plain?.at ?? whole.at }
    /// What there is, in the order in which it came.
    var parts: [Part] { [whole, plain].compactMap(\.self) }

    /// One listing, and what it is bracketed by.
    struct Part {
      let value: StatusListing
      /// When it was asked for, in seconds since 1970: what is in it was so then or later.
      let askedAt: Int64
      /// The end of the journal just before `status` was sent: the listing knows of every hook whose
      /// record is before it.
      let journalPosition: Int64
      /// When it was here.
      let at: Duration
    }
  }

  /// Begins to connect and asks for a listing.
  init(_ endpoint: ManagementEndpoint, timeout: Duration, _ environment: SweepEnvironment) {
    self.environment = environment
    self.timeout = timeout
    connectDeadline = environment.clock.monotonic + timeout
    do throws(ServerFailure) {
      password = try ManagementConnection.password(of: endpoint)
      do throws(SystemError) {
        stream = try environment.transport.connect(to: endpoint.address)
      } catch {
        throw .unreachable(error)
      }
    } catch {
      failure = error
    }
  }

  /// Whether nothing more will come.
  var isOver: Bool { failure != nil }

  /// What to wait for, nil when the connection is over.
  var awaited: AwaitedStream? {
    guard let stream else { return nil }
    return AwaitedStream(stream: stream, wantsToWrite: session == nil || !outgoing.isEmpty)
  }

  /// When it has failed unless something comes.
  var deadline: Duration? { isOver ? nil : session == nil ? connectDeadline : session?.deadline }

  /// Asks for another listing; `listing` is nil until it is here.
  func askForListing() {
    listing = nil
    ask(.listing)
  }

  /// Sends a command after those that wait for an answer.
  func ask(_ command: ManagementCommand) {
    session?.ask(command, now: environment.clock.monotonic)
    send()
  }

  /// The next answer to a command that is no listing.
  func nextReply() -> ManagementReply? {
    guard let index = events.firstIndex(where: { if case .reply = $0 { true } else { false } })
    else { return nil }
    guard case .reply(let reply) = events.remove(at: index) else { return nil }
    return reply
  }

  /// Goes on as far as it can without waiting.
  func proceed(_ ready: AwaitedStream, buffer: inout [UInt8], now: Duration) {
    if isOver { return }
    if session == nil {
      if ready.canWrite { finishConnecting(now) }
    } else if ready.canRead {
      receive(&buffer, now)
    }
    if session != nil {
      session?.advance(to: now)
      takeEvents(now)
      send()
    } else if !isOver, now >= connectDeadline {
      end(.connectTimedOut)
    }
  }

  private func finishConnecting(_ now: Duration) {
    do throws(SystemError) {
      guard try stream?.finishConnecting() == true else { return }
    } catch {
      return end(.unreachable(error))
    }
    session = ManagementSession(
      password: password, timeout: timeout, now: now, readsNetworks: environment.readsNetworks)
    session?.ask(.listing, now: now)
  }

  private func receive(_ buffer: inout [UInt8], _ now: Duration) {
    do throws(SystemError) {
      // A slow server trickles, a fast one has megabytes: one `read` each time is enough.
      guard let count = try stream?.receive(into: &buffer) else { return }
      if count == 0 {
        session?.peerClosed(now: now)
      } else {
        session?.receive(buffer.span.extracting(0..<count), now: now)
      }
    } catch {
      session?.peerClosed(now: now)
    }
  }

  private func takeEvents(_ now: Duration) {
    while let event = session?.nextEvent() {
      switch event {
      case .ready(let version): self.version = version
      case .listing(let listing): take(listing, now)
      case .reply: events.append(event)
      case .failed(let failure): end(.conversation(failure))
      }
    }
  }

  /// Takes a listing. One that an overlong name cut is asked for again without user names.
  private func take(_ listing: StatusListing, _ now: Duration) {
    let part = ReceivedListing.Part(
      value: listing, askedAt: asked.at, journalPosition: asked.journalPosition, at: now)
    if let cut {
      self.listing = ReceivedListing(whole: cut, plain: part)
      self.cut = nil
    } else if listing.isTruncated {
      cut = part
      session?.ask(.plainListing, now: now)
    } else {
      self.listing = ReceivedListing(whole: part)
    }
  }

  private func send() {
    guard let count = session?.listingsAsked else { return }
    if count != asked.count {
      asked = (count, environment.clock.now, environment.journalPosition())
    }
    outgoing += session?.takeOutput() ?? []
    guard !outgoing.isEmpty, let stream else { return }
    // The other side may be gone; reading tells, and tells what it said last.
    let sent = (try? stream.send(outgoing)) ?? outgoing.count
    outgoing = outgoing.dropFirst(sent)
  }

  private func end(_ failure: ServerFailure) {
    if self.failure == nil { self.failure = failure }
    stream = nil
  }

  private static func password(
    of endpoint: ManagementEndpoint
  ) throws(ServerFailure) -> [UInt8]? {
    guard let file = endpoint.passwordFile else { return nil }
    do { return try contents(ofRegularFile: file, limit: 4096) } catch { throw .password(error) }
  }
}

extension SweepEnvironment {
  /// Waits until one of the connections can go on, or the time is up, and lets each go on.
  func advance(_ connections: [ManagementConnection], until end: Duration, buffer: inout [UInt8]) {
    let alive = connections.filter { $0.awaited != nil }
    var awaited = alive.compactMap(\.awaited)
    let next = alive.compactMap(\.deadline).reduce(end, Swift.min)
    transport.wait(for: &awaited, until: next)
    let now = clock.monotonic
    for (connection, ready) in zip(alive, awaited) {
      connection.proceed(ready, buffer: &buffer, now: now)
    }
  }
}
