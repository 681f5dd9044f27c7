import Glibc
import OpenVPN
import System

/// A connection to a management interface: the socket that drives a `ManagementSession`.
final class Conversation {
  private let endpoint: ManagementEndpoint
  private let timeout: Duration
  private var addresses: ArraySlice<SocketAddress> = []
  private var socket: Descriptor?
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
  /// When the connection was made, in seconds since 1970: what is listed was so then or later.
  private(set) var connectedAt: Int64 = 0
  /// The last listing, and when it was whole.
  private(set) var listing: (value: StatusListing, at: Duration)?

  /// Begins to connect and asks for a listing.
  init(_ endpoint: ManagementEndpoint, timeout: Duration, now: Duration) {
    self.endpoint = endpoint
    self.timeout = timeout
    connectDeadline = now + timeout
    do throws(ServerFailure) {
      password = try Conversation.password(of: endpoint)
      addresses = try Conversation.addresses(of: endpoint)[...]
    } catch {
      failure = error
    }
    connectToNextAddress(after: nil)
  }

  /// Whether nothing more will come.
  var isOver: Bool { failure != nil }

  /// What to wait for, nil when the conversation is over.
  var readiness: Readiness? {
    guard !isOver, let number = socket?.number else { return nil }
    return Readiness(descriptor: number, wantsToWrite: session == nil || !outgoing.isEmpty)
  }

  /// When it has failed unless something comes.
  var deadline: Duration? { isOver ? nil : session == nil ? connectDeadline : session?.deadline }

  /// Asks for another listing; `listing` is nil until it is here.
  func askForListing(now: Duration) {
    listing = nil
    ask(.listing, now: now)
  }

  /// Sends a command after those that wait for an answer.
  func ask(_ command: ManagementCommand, now: Duration) {
    session?.ask(command, now: now)
    send(now)
  }

  /// The next answer to a command that is no listing.
  func nextReply() -> ManagementReply? {
    guard let index = events.firstIndex(where: { if case .reply = $0 { true } else { false } })
    else { return nil }
    guard case .reply(let reply) = events.remove(at: index) else { return nil }
    return reply
  }

  /// Goes on as far as it can without waiting.
  func proceed(_ readiness: Readiness?, buffer: inout [UInt8], now: Duration) {
    if isOver { return }
    if session == nil {
      if readiness?.canWrite == true { finishConnecting(now) }
    } else if readiness?.canRead == true {
      receive(&buffer, now)
    }
    if session != nil {
      session?.advance(to: now)
      takeEvents(now)
      send(now)
    } else if !isOver, now >= connectDeadline {
      end(.connectTimedOut)
    }
  }

  private func finishConnecting(_ now: Duration) {
    let code = socket?.connectionError() ?? 0
    if code != 0 {
      return connectToNextAddress(
        after: SystemError("connect to", "\(endpoint.address)", code: code))
    }
    connectedAt = Clock.now
    session = ManagementSession(password: password, timeout: timeout, now: now)
    session?.ask(.listing, now: now)
  }

  private func connectToNextAddress(after failed: SystemError?) {
    if isOver { return }
    var lastError = failed
    while let address = addresses.popFirst() {
      do throws(SystemError) {
        socket = try address.connect(as: "\(endpoint.address)")
        return
      } catch {
        lastError = error
      }
    }
    end(
      .unreachable(
        lastError ?? SystemError("connect to", "\(endpoint.address)", code: EHOSTUNREACH)))
  }

  private func receive(_ buffer: inout [UInt8], _ now: Duration) {
    do throws(SystemError) {
      // A slow server trickles, a fast one has megabytes: what one `read` gives is enough a turn.
      guard let count = try socket?.receive(into: &buffer) else { return }
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
      case .listing(let listing): self.listing = (listing, now)
      case .reply: events.append(event)
      case .failed(let failure): end(.conversation(failure))
      }
    }
  }

  private func send(_ now: Duration) {
    outgoing += session?.takeOutput() ?? []
    guard !outgoing.isEmpty else { return }
    // The other side may be gone; reading tells, and tells what it said last.
    let sent = (try? socket?.send(outgoing)) ?? outgoing.count
    outgoing = outgoing.dropFirst(sent)
  }

  private func end(_ failure: ServerFailure) {
    if self.failure == nil { self.failure = failure }
    socket = nil
  }

  private static func password(
    of endpoint: ManagementEndpoint
  ) throws(ServerFailure) -> [UInt8]? {
    guard let file = endpoint.passwordFile else { return nil }
    do { return try contents(ofFile: file, limit: 4096) } catch { throw .password(error) }
  }

  private static func addresses(
    of endpoint: ManagementEndpoint
  ) throws(ServerFailure) -> [SocketAddress] {
    do throws(SystemError) {
      switch endpoint.address {
      case .unix(let path): return [try .unix(path)]
      case .tcp(let host, let port): return try SocketAddress.tcp(host: host, port: port)
      }
    } catch {
      throw .unreachable(error)
    }
  }
}

extension [Conversation] {
  /// Waits until one of the conversations can go on, or the time is up, and lets each go on.
  func turn(until deadline: Duration, buffer: inout [UInt8]) {
    let alive = filter { $0.readiness != nil }
    var readiness = alive.compactMap(\.readiness)
    let next = alive.compactMap(\.deadline).reduce(deadline, Swift.min)
    Readiness.wait(for: &readiness, atMost: next - Clock.monotonic)
    let now = Clock.monotonic
    for (conversation, ready) in zip(alive, readiness) {
      conversation.proceed(ready, buffer: &buffer, now: now)
    }
  }
}
