import Quota
import System

/// What of a record it takes to follow sessions: a hook has no use for all its texts, and those that are
/// only compared are hashes.
struct SessionEvent {
  let kind: JournalRecord.Kind
  let key: SessionReplay.Key
  let serverStart: Int64
  let moment: JournalMoment
  let place: SessionReplay.Place
  /// Whether a session that begins is the user's.
  let isOwn: Bool
  private(set) var counters = FinalCounters()

  init(_ record: JournalRecord, isOwn: Bool, by key: AccessKey) {
    kind = record.kind
    self.key = SessionReplay.Key(
      server: key.hash(record.server), pid: record.pid, connectedSince: record.connectedSince)
    serverStart = record.serverStart
    moment = record.moment
    place = SessionReplay.Place(
      client: key.hash(clientHost: record.clientHost, port: record.clientPort),
      addresses: VirtualAddresses(ipv4: record.ipv4, ipv6: record.ipv6))
    self.isOwn = isOwn
    counters = FinalCounters(
      received: record.received, sent: record.sent, duration: record.duration)
  }

  /// Reads a line of the journal: a fifth of the hook's instructions less than with whole records.
  ///
  /// - Parameter owner: the user's name as it stands in a line, see `JournalLine.field`.
  /// - Returns: nil unless the line is undamaged and has what is read here.
  init?(line: Span<UInt8>, owner: Span<UInt8>, by key: AccessKey) {
    guard var fields = JournalFields(line), let kind = fields.recordKind,
      fields.skip(1), let boot = fields.nextOptional(),
      let serverStart = fields.nextNumber(), let server = fields.next({ key.hash($0) }),
      let pid = fields.nextNumber(), let connectedSince = fields.nextNumber(),
      let realtime = fields.nextNumber(), let boottime = fields.nextNumber(),
      let ipv4 = fields.next({ InternetAddress($0, isIPv6: false) }),
      let ipv6 = fields.next({ InternetAddress($0, isIPv6: true) }), fields.skip(1),
      let client = fields.nextClient(by: key), fields.skip(2),
      let isOwn = fields.nextField(is: owner)
    else { return nil }
    self.kind = kind
    self.key = SessionReplay.Key(server: server, pid: pid, connectedSince: connectedSince)
    self.serverStart = serverStart
    moment = JournalMoment(realtime: realtime, boottime: boottime, boot: boot.value)
    place = SessionReplay.Place(
      client: client, addresses: VirtualAddresses(ipv4: ipv4, ipv6: ipv6))
    self.isOwn = isOwn
    if kind == .end {
      guard let received = fields.nextCounter(), let sent = fields.nextCounter(),
        let duration = fields.nextCounter()
      else { return nil }
      counters = FinalCounters(
        received: received.value, sent: sent.value, duration: duration.value)
    }
  }
}

extension JournalFields {
  /// The hash of a client's real address and its port, which are two fields; 0 for none. Nil where they are
  /// not there.
  fileprivate mutating func nextClient(by key: AccessKey) -> UInt64? {
    guard var client = nextText() else { return nil }
    let isKnown = !client.isEmpty
    client.append(0)
    let port: Void? = next { port in for index in port.indices { client.append(port[index]) } }
    return port.map { isKnown ? key.hash(client) : 0 }
  }
}
