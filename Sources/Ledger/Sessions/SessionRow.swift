import Quota
import SQLite

/// A session as its row has it.
struct SessionRow {
  let id: Int64
  let process: Int64
  /// The owner's id; nil for a stranger who is not metered, and for a refusal.
  var user: Int64?
  var candidate: PairingCandidate
  let inMark: UInt64?
  let endMark: UInt64?
  /// Where its `end` stands in the journal, or where the journal ended when something else closed it.
  let endPosition: Int64?
  /// When it ended, in seconds since 1970; nil while it is open.
  let endedAt: Int64?
  /// Its row in `traffic_logs`.
  let log: Int64?
  /// Where the client was at the connect hook; for one that a listing alone showed, where that was.
  let client: RealAddress
  let ipv4: NetworkAddress
  let ipv6: NetworkAddress
  let kills: Int64
  let killedAt: Int64?
  /// Whether it was told already that its counters are impossible.
  let toldOfNonsense: Bool
  var counters: Traffic

  var since: Int64 { candidate.since }
  var isOpen: Bool { endedAt == nil && !candidate.isRefusal }

  static let columns =
    """
    sessions.id, process_id, user_id, connected_since, client, ipv4, ipv6, real, virtual,
      in_position, in_mark, reason, end_position, end_mark, ended_at, log_id, kills, killed_at,
      nonsense, bytes_received, bytes_sent
    """
  static let tables = "sessions LEFT JOIN counters ON session_id = sessions.id"

  init(_ row: borrowing Statement) {
    id = row.integer(0)
    process = row.integer(1)
    user = row.optionalInteger(2)
    let atConnect = RealAddress(row, 4)
    var (ipv4, ipv6) = (NetworkAddress(row, 5), NetworkAddress(row, 6))
    let (real, virtual) = (RealAddress(row, 7), NetworkAddress(row, 8))
    let position = row.optionalInteger(9)
    candidate = PairingCandidate(
      id: id, position: position, since: row.integer(3), isRefusal: !row.isNull(11),
      hasEnd: !row.isNull(13), isClosed: row.isNull(13) && !row.isNull(14),
      atConnect: position == nil
        ? nil : Endpoints(real: atConnect, virtual: ipv4.isNone ? ipv6 : ipv4),
      listed: real.isNone && virtual.isNone ? nil : Endpoints(real: real, virtual: virtual))
    if ipv4.isNone, ipv6.isNone {
      if virtual.isIPv4 { ipv4 = virtual } else { ipv6 = virtual }
    }
    (self.ipv4, self.ipv6) = (ipv4, ipv6)
    client = atConnect.isNone ? real : atConnect
    inMark = row.optionalInteger(10).map { UInt64(bitPattern: $0) }
    endMark = row.optionalInteger(13).map { UInt64(bitPattern: $0) }
    endPosition = row.optionalInteger(12)
    endedAt = row.optionalInteger(14)
    log = row.optionalInteger(15)
    kills = row.integer(16)
    killedAt = row.optionalInteger(17)
    toldOfNonsense = !row.isNull(18)
    counters = Traffic(received: row.integer(19), sent: row.integer(20))
  }

  /// How many columns it takes; others can follow.
  static let count: Int32 = 21
}

extension RealAddress {
  init(_ row: borrowing Statement, _ column: Int32) {
    self = row.withBlob(column) { RealAddress(bytes: $0) }
  }
}

extension NetworkAddress {
  init(_ row: borrowing Statement, _ column: Int32) {
    self = row.withBlob(column) { NetworkAddress(bytes: $0) }
  }
}
