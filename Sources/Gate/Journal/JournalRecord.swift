import Quota

/// One run of a hook, as one line of the journal.
package struct JournalRecord: Equatable, Sendable {
  /// What the hook did.
  package enum Kind: String, Sendable, CaseIterable {
    /// It let a client in: a session begins.
    case `in`
    /// It, or the program behind `--then`, refused a client.
    case out
    /// A session, or what there was of a refused one, ended.
    case end
    /// It refused a login.
    case auth
  }

  package var kind: Kind
  /// Tells this run of a hook from every other; a record that stands in two files is one by it.
  package var mark: UInt64
  /// The number of the machine's boot, see `Boot`; nil where a hook cannot read it, as in a chroot.
  package var boot: Int64?
  /// `daemon_start_time`, seconds since 1970 in UTC, 0 where OpenVPN does not say.
  package var serverStart: Int64
  /// The server's name.
  package var server: [UInt8]
  /// `daemon_pid`.
  package var pid: Int64
  /// `time_unix`, seconds since 1970 in UTC.
  package var connectedSince: Int64
  /// When the hook ran: nanoseconds since 1970 in UTC, and since the machine's start.
  package var realtime: Int64
  package var boottime: Int64
  /// The client's virtual addresses, as OpenVPN writes them; empty for none.
  package var ipv4: [UInt8]
  package var ipv6: [UInt8]
  /// The server's tun or tap device; empty where OpenVPN does not say.
  package var device: [UInt8]
  /// The client's real address, `untrusted_ip` or `untrusted_ip6`, and `untrusted_port`; empty where
  /// OpenVPN does not say.
  package var clientHost: [UInt8]
  package var clientPort: [UInt8]
  /// Both names as they came; empty for none.
  package var commonName: [UInt8]
  package var username: [UInt8]
  /// The user by `IDENTIFY_BY`; at an end what the names claim then, which need not be the session's
  /// owner.
  package var owner: [UInt8]
  /// Why a client was refused: `out` and `auth`.
  package var reason: Reason?
  /// The final counters in bytes and the duration in seconds: `end`, nil where OpenVPN gave none.
  package var received: Int64?
  package var sent: Int64?
  package var duration: Int64?

  package init(
    kind: Kind, mark: UInt64, boot: Int64? = nil, serverStart: Int64 = 0, server: [UInt8] = [],
    pid: Int64, connectedSince: Int64, realtime: Int64, boottime: Int64, ipv4: [UInt8] = [],
    ipv6: [UInt8] = [], device: [UInt8] = [], clientHost: [UInt8] = [], clientPort: [UInt8] = [],
    commonName: [UInt8] = [], username: [UInt8] = [], owner: [UInt8] = [], reason: Reason? = nil,
    received: Int64? = nil, sent: Int64? = nil, duration: Int64? = nil
  ) {
    self.kind = kind
    self.mark = mark
    self.boot = boot
    self.serverStart = serverStart
    self.server = server
    self.pid = pid
    self.connectedSince = connectedSince
    self.realtime = realtime
    self.boottime = boottime
    self.ipv4 = ipv4
    self.ipv6 = ipv6
    self.device = device
    self.clientHost = clientHost
    self.clientPort = clientPort
    self.commonName = commonName
    self.username = username
    self.owner = owner
    self.reason = reason
    self.received = received
    self.sent = sent
    self.duration = duration
  }

  /// The mark of a hook that runs at a moment.
  ///
  /// - Parameters:
  ///   - boottime: nanoseconds since the machine's start.
  ///   - process: the hook's own process id.
  package static func mark(boottime: Int64, process: Int32) -> UInt64 {
    mixed(mixed(UInt64(bitPattern: boottime)) ^ UInt64(UInt32(bitPattern: process)))
  }
}

extension JournalRecord {
  /// The version of the format, the first field of each line.
  static let version = UInt8(ascii: "3")

  /// The line as it is appended: a line feed, so that what a torn line left before it ends there,
  /// then the fields, then the checksum.
  package func encoded() -> [UInt8] {
    var line = JournalLine(kind: kind.rawValue)
    line.append(hexadecimal: mark)
    line.append(boot)
    line.append(serverStart)
    line.append(server)
    line.append(pid)
    line.append(connectedSince)
    line.append(realtime)
    line.append(boottime)
    for text in [ipv4, ipv6, device, clientHost, clientPort, commonName, username, owner] {
      line.append(text)
    }
    switch kind {
    case .in: break
    case .out, .auth: line.append(Array((reason?.rawValue ?? "").utf8))
    case .end:
      line.append(received)
      line.append(sent)
      line.append(duration)
    }
    return line.finished()
  }

  /// Reads a line, without the line feed before it.
  ///
  /// - Returns: nil unless it is whole and makes sense: damaged, torn, of another version, of another
  ///   kind.
  package init?(line: Span<UInt8>) {
    guard var fields = JournalFields(line), let kind = fields.recordKind,
      let mark = fields.nextHexadecimal(), let boot = fields.nextOptional(),
      let serverStart = fields.nextNumber(), let server = fields.nextText(),
      let pid = fields.nextNumber(), let connectedSince = fields.nextNumber(),
      let realtime = fields.nextNumber(), let boottime = fields.nextNumber(),
      let ipv4 = fields.nextText(), let ipv6 = fields.nextText(), let device = fields.nextText(),
      let clientHost = fields.nextText(), let clientPort = fields.nextText(),
      let commonName = fields.nextText(), let username = fields.nextText(),
      let owner = fields.nextText()
    else { return nil }
    self.init(
      kind: kind, mark: mark, boot: boot.value, serverStart: serverStart, server: server, pid: pid,
      connectedSince: connectedSince, realtime: realtime, boottime: boottime, ipv4: ipv4,
      ipv6: ipv6, device: device, clientHost: clientHost, clientPort: clientPort,
      commonName: commonName, username: username, owner: owner)
    guard readRest(&fields), fields.isAtEnd else { return nil }
  }

  /// Reads what only records of this kind have.
  private mutating func readRest(_ fields: inout JournalFields) -> Bool {
    switch kind {
    case .in: return true
    case .out, .auth:
      guard let text = fields.nextText() else { return false }
      reason = Reason.allCases.first { Array($0.rawValue.utf8) == text }
      return reason != nil || text.isEmpty
    case .end:
      guard let received = fields.nextCounter(), let sent = fields.nextCounter(),
        let duration = fields.nextCounter()
      else { return false }
      (self.received, self.sent, self.duration) = (received.value, sent.value, duration.value)
      return true
    }
  }
}
