import TestSupport

/// What moved between two moments at which somebody of ours surely took the counters down.
struct Stretch {
  let bytes: Usage
  /// The earliest and the latest that the wall clock showed meanwhile.
  let clock: ClosedRange<Int64>
  /// Whether it is in the database, and not just in the spool.
  var isInLedger: Bool
}

/// One session as it really was.
final class Session {
  let number: Int
  let server: Server
  let boot: Int64
  let pid: Int64
  /// When it began, as the wall clock had it.
  let since: Int64
  /// Who really came in.
  let owner: String
  let clientID: Int
  var address: String
  var realAddress: String
  /// The name a listing and the hooks show; nil for `UNDEF`.
  var shownName: String?
  /// The name that its hooks are given.
  var claimedName: String
  /// Everybody whom the ledger may take for the owner: more than one only where the owner never
  /// reached it before another name was shown.
  var payers: Set<String>
  /// Whether word of the owner surely reached the spool or the ledger.
  var isKnown = false
  /// Whether two sessions have the same identity and nobody can tell them apart, as word of how the
  /// first one ended came late or never.
  var isConfused = false
  /// Whether it was turned away at the door.
  var isRefused = false
  /// Whether nothing of it may be counted: it was turned away and there is a record of that.
  var isNoSession = false
  /// Whether it has another address than at the door, and no sweep surely saw that yet.
  var isOnTheMove = false
  /// Whether it has another address than at the door.
  var hasMoved = false
  /// When the wall clock stood how at its end; nil while it is live.
  var endedAt: Int64?
  /// When a killed session goes, in seconds of the world.
  var goesAt: Int64?
  /// When a sweep told it to go, by the wall clock.
  var killedAt: Int64?
  /// Whether its end surely was told.
  var isToldOver = false

  private(set) var moved = Usage()
  private(set) var stretches: [Stretch] = []
  /// What moved since the last of them, and how the clock stood meanwhile.
  private(set) var untold = Usage()
  private var clock: ClosedRange<Int64>

  init(
    number: Int, server: Server, boot: Int64, since: Int64, owner: String, clientID: Int,
    address: String, realAddress: String
  ) {
    self.number = number
    self.server = server
    self.boot = boot
    pid = server.pid
    self.since = since
    self.owner = owner
    self.clientID = clientID
    self.address = address
    self.realAddress = realAddress
    shownName = owner
    claimedName = owner
    payers = [owner]
    clock = since...since
  }

  var isLive: Bool { endedAt == nil && !isRefused }

  /// Whether both have the same place in every record of ours.
  func hasIdentity(of other: Session) -> Bool {
    boot == other.boot && pid == other.pid && since == other.since && address == other.address
  }

  /// Whether it is of one name and began in one second with another of the same server process.
  func isAlike(_ server: Server, _ boot: Int64, since: Int64, _ owner: String) -> Bool {
    self.boot == boot && pid == server.pid && self.since == since && self.owner == owner
  }

  func move(_ bytes: Usage) {
    moved += bytes
    untold += bytes
  }

  /// The clock shows another time.
  func see(_ time: Int64) {
    clock = min(clock.lowerBound, time)...max(clock.upperBound, time)
  }

  /// Somebody of ours surely took the counters down as they were at one moment.
  ///
  /// - Parameters:
  ///   - counters: what they were then; what moved since is told next time.
  ///   - now: what the clock shows now.
  ///   - isWhole: whether all of its server's sessions were; else what moves next may be reckoned to
  ///     have moved since they last were.
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

  /// A sweep surely took the spool in.
  func reachLedger() {
    for index in stretches.indices { stretches[index].isInLedger = true }
  }

  /// What moved, in parts: those that surely were told, and last what may not have been.
  var parts: [(bytes: Usage, clock: ClosedRange<Int64>, isSure: Bool, isInLedger: Bool)] {
    stretches.map { ($0.bytes, $0.clock, true, $0.isInLedger) } + [(untold, clock, false, false)]
  }
}
