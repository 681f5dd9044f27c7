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
  let kills: Int64
  let killedAt: Int64?
  /// Whether it was told already that its counters are impossible.
  let toldOfNonsense: Bool
  var counters: Traffic

  var since: Int64 { candidate.since }
  var isOpen: Bool { endedAt == nil && !candidate.isRefusal }

  static let columns =
    """
    id, process_id, user_id, connected_since, client, coalesce(ipv4, ipv6), real, virtual,
      in_position, in_mark, reason, end_position, end_mark, ended_at, log_id, kills, killed_at,
      nonsense, bytes_received, bytes_sent
    """
  static let tables = "sessions LEFT JOIN counters ON session_id = id"

  init(_ row: borrowing Statement) {
    id = row.integer(0)
    process = row.integer(1)
    user = row.optionalInteger(2)
    let client = RealAddress(row, 4)
    let inside = NetworkAddress(row, 5)
    let position = row.optionalInteger(8)
    let atConnect = position == nil ? nil : Endpoints(real: client, virtual: inside)
    let isElsewhere = !row.isNull(6) || !row.isNull(7)
    candidate = PairingCandidate(
      id: id, position: position, since: row.integer(3), isRefusal: !row.isNull(10),
      hasEnd: !row.isNull(12), isClosed: row.isNull(12) && !row.isNull(13), atConnect: atConnect,
      listed: isElsewhere
        ? Endpoints(real: RealAddress(row, 6), virtual: NetworkAddress(row, 7)) : nil)
    inMark = row.optionalInteger(9).map { UInt64(bitPattern: $0) }
    endMark = row.optionalInteger(12).map { UInt64(bitPattern: $0) }
    endPosition = row.optionalInteger(11)
    endedAt = row.optionalInteger(13)
    log = row.optionalInteger(14)
    kills = row.integer(15)
    killedAt = row.optionalInteger(16)
    toldOfNonsense = !row.isNull(17)
    counters = Traffic(received: row.integer(18), sent: row.integer(19))
  }
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
