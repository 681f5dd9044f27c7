import TestSupport

/// What moved between two moments at which a program of ours surely took the counters down.
struct Stretch {
  let bytes: Usage
  /// The earliest and the latest that the wall clock showed meanwhile.
  var clock: ClosedRange<Int64>
  /// Whether it is in the database, and not just in the journal.
  var isInLedger: Bool
}

/// Where a client sends from.
struct Place: Equatable {
  var host: String
  var port: Int
  /// The socket of the server that it came to; there are two from 2.7 on.
  var socket = "udp"

  var isIPv6: Bool { host.contains(":") }

  /// As a listing shows it.
  func text(by release: HostTerms.Release) -> String {
    let end = isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    if release == .v27 { return "\(socket)\(isIPv6 ? 6 : 4):\(end)" }
    return isIPv6 ? host : end
  }
}

/// One session as it really was.
final class Session {
  let number: Int
  let server: Server
  let boot: Int64
  let pid: Int64
  let serverStart: Int64
  /// When it began, as the wall clock had it.
  let since: Int64
  /// Who really came in, and the name of that moment.
  let owner: Account
  let ownName: String
  /// The name as its client gave it; empty for none.
  let spelling: String
  let clientID: Int
  /// Its address in the tunnel: as the connect hook is told, as the disconnect hook is, and as
  /// listings show it. Empty for none.
  var tunnel: (atConnect: String, atEnd: String, listed: String)
  /// Where it sends from: as hooks are told, and as listings show it.
  var place: (atConnect: Place, told: Place, listed: Place)
  /// The name a listing and the hooks show; nil for `UNDEF`.
  var shownName: String?
  /// The name that its hooks are given.
  var claimedName: String
  /// All accounts that the ledger may take for the owner: more than one only where the record of the
  /// connect hook was lost.
  var payers: Set<Int>
  /// How surely its beginning is known: from the record of its connect hook, or from a listing.
  enum Known { case no, journal, ledger }
  var known = Known.no
  /// Whether a record of its hooks was lost, or may have been.
  var lostRecord = false
  /// Whether hooks do not know whose it is before the ledger says so: its own wrote the name down as its
  /// client gave it, since without the table it could not tell that it is spelled otherwise.
  var isMisspelled = false
  /// Whether it was turned away at the door.
  var isRefused = false
  /// Whether nothing of it may be counted: it was turned away and there is a record of that.
  var isNoSession = false
  /// When the wall clock stood how at its end; nil while it is live.
  var endedAt: Int64?
  /// When a killed session goes, in seconds of the world.
  var goesAt: Int64?
  /// Whether the record of its end surely is in the journal.
  var isEndTold = false
  /// Whether the ledger surely knows that it is over.
  var isEndSettled = false

  private(set) var moved = Usage()
  private(set) var stretches: [Stretch] = []
  /// What moved since the last of them, and how the clock stood meanwhile.
  private(set) var untold = Usage()
  private var clock: ClosedRange<Int64>

  init(
    number: Int, server: Server, boot: Int64, since: Int64, owner: Account, name: String,
    spelling: String,
    clientID: Int, address: String, place: Place
  ) {
    self.number = number
    self.server = server
    self.boot = boot
    pid = server.pid
    serverStart = server.startedAt
    self.since = since
    self.owner = owner
    ownName = name
    self.spelling = spelling
    self.clientID = clientID
    tunnel = (address, address, address)
    self.place = (place, place, place)
    shownName = spelling.isEmpty ? nil : spelling
    claimedName = spelling
    payers = [owner.number]
    clock = since...since
  }

  var isLive: Bool { endedAt == nil && !isRefused }

  /// Whether nothing but addresses and the order of records tells the two apart.
  func isOfOneSecond(with other: Session) -> Bool {
    server === other.server && boot == other.boot && pid == other.pid && since == other.since
  }

  /// Whether it is neither where it was at the connect hook, nor has the address of then.
  var hasMovedAltogether: Bool {
    let isElsewhere = place.listed != place.atConnect || place.told != place.atConnect
    let hasAddress =
      !tunnel.atConnect.isEmpty && tunnel.listed == tunnel.atConnect
      && tunnel.atEnd == tunnel.atConnect
    return isElsewhere && !hasAddress
  }

  /// Whether a row of a listing can be told from one of another session of the same second.
  var isToldApartInListings: Bool {
    !tunnel.listed.isEmpty || !place.listed.isIPv6 || server.kind.release == .v27
  }

  /// Whether a hook is told the same of both.
  func isSameAtConnect(as other: Session) -> Bool {
    isOfOneSecond(with: other) && place.atConnect.host == other.place.atConnect.host
      && place.atConnect.port == other.place.atConnect.port
  }

  func move(_ bytes: Usage) {
    moved += bytes
    untold += bytes
  }

  /// The clock shows another time.
  func see(_ time: Int64) {
    clock = min(clock.lowerBound, time)...max(clock.upperBound, time)
  }

  /// The clock is set: what is in the journal is dated by the clock of when it is taken in.
  func seeClockChange(by step: Int64) {
    for index in stretches.indices where !stretches[index].isInLedger {
      let old = stretches[index].clock
      stretches[index].clock =
        min(old.lowerBound, old.lowerBound + step)...max(old.upperBound, old.upperBound + step)
    }
  }

  /// A program of ours surely took the counters down as they were at one moment.
  ///
  /// - Parameters:
  ///   - counters: what they were then; what moved since is told next time.
  ///   - now: what the clock shows now.
  ///   - isWhole: whether all of its server's sessions were; else what moves next may be counted as
  ///     if it had moved since they last were.
  func tell(
    _ counters: Usage, at time: Int64, now: Int64, inLedger: Bool, isWhole: Bool = true
  ) {
    let later = Usage(
      received: moved.received - counters.received, sent: moved.sent - counters.sent)
    let told = Usage(received: untold.received - later.received, sent: untold.sent - later.sent)
    // A listing that was made before an earlier one is told has nothing new.
    guard told.received >= 0, told.sent >= 0 else { return }
    see(time)
    stretches.append(Stretch(bytes: told, clock: clock, isInLedger: inLedger))
    untold = later
    if isWhole { clock = min(time, now)...max(time, now) } else { see(now) }
  }

  /// A sweep surely took the journal in.
  func reachLedger() {
    if known == .journal { known = .ledger }
    if isEndTold { isEndSettled = true }
    for index in stretches.indices { stretches[index].isInLedger = true }
  }

  /// The journal was cut short: what no sweep took in may be gone.
  func loseRecords() {
    if known == .journal {
      known = .no
      lostRecord = true
    }
    if isEndTold, !isEndSettled {
      isEndTold = false
      lostRecord = true
    }
    while let last = stretches.last, !last.isInLedger {
      stretches.removeLast()
      untold += last.bytes
      clock =
        min(
          clock.lowerBound, last.clock.lowerBound)...max(
          clock.upperBound, last.clock.upperBound)
    }
  }

  /// What moved, in parts: those that surely were told, and last what may not have been.
  var parts: [(bytes: Usage, clock: ClosedRange<Int64>, isSure: Bool, isInLedger: Bool)] {
    stretches.map { ($0.bytes, $0.clock, true, $0.isInLedger) } + [(untold, clock, false, false)]
  }
}

extension Session: CustomStringConvertible {
  var description: String {
    "#\(number) (\(ownName), \(tunnel.listed) from \(place.listed.text(by: .v27)) on \(server.name))"
  }
}
