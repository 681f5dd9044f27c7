import System

/// A session that is live by the access table and what follows it in the journal.
package struct OnlineSession: Equatable, Sendable {
  /// The hash of its owner's name.
  package let owner: UInt64
  /// The hash of the server's name.
  package let server: UInt64
  /// The name of the server's tun or tap device; empty where that is not known.
  package let device: [UInt8]
  package let addresses: VirtualAddresses
  /// Greater for a session that began later on the same server.
  package let position: Int64

  package init(
    owner: UInt64, server: UInt64 = 0, device: [UInt8], addresses: VirtualAddresses, position: Int64
  ) {
    self.owner = owner
    self.server = server
    self.device = device
    self.addresses = addresses
    self.position = position
  }
}

/// Everybody's sessions by the access table and what follows it in the journal.
package struct OnlineSessions: Sendable {
  package private(set) var sessions: [OnlineSession] = []
  /// What the ends of a user's sessions add to what the table counted, by the hash of the user's name.
  package private(set) var ended: [UInt64: [SessionReplay.Ended]] = [:]

  /// - Parameters:
  ///   - tail: nil where it cannot be read, or nothing was appended.
  ///   - now: later than every record.
  package init(
    of table: inout AccessTable, through tail: borrowing JournalTail?, now: JournalMoment
  ) throws(SessionReplayError) {
    var replay = SessionReplay(owner: [], hashKey: table.header.key, now: now)
    var all: [OnlineSession] = []
    do throws(AccessError) { try Self.add(&table, to: &replay, &all, now) } catch {
      throw .table(error)
    }
    switch tail {
    case .none: break
    case .some(let tail):
      do throws(SystemError) { try follow(tail, table.header, &replay, &all) } catch {
        throw .tail(error)
      }
    }
    for (session, online) in zip(replay.sessions, all) {
      let isOfOtherBoot = session.boot != nil && now.boot != nil && session.boot != now.boot
      if !session.isEnded, !session.isRefused, !isOfOtherBoot { sessions.append(online) }
    }
  }

  private static func add(
    _ table: inout AccessTable, to replay: inout SessionReplay, _ all: inout [OnlineSession],
    _ now: JournalMoment
  ) throws(AccessError) {
    let processes = try table.allProcesses()
    for session in try table.allSessions() {
      let process = processes[session.process]
      replay.add(session, of: process, isOwn: true, boot: table.header.boot)
      all.append(
        OnlineSession(
          owner: session.owner, server: process.server, device: process.device,
          addresses: session.addresses, position: session.position ?? 0))
    }
  }

  private mutating func follow(
    _ tail: borrowing JournalTail, _ header: AccessHeader, _ replay: inout SessionReplay,
    _ all: inout [OnlineSession]
  ) throws(SystemError) {
    try tail.forEachRecord { record in
      let count = replay.ended.count
      // All are known, so nobody has to be asked for others.
      let event = SessionEvent(record, isOwn: true, by: header.key)
      replay.add(event) { _, _ in }
      if replay.sessions.count > all.count {
        all.append(
          OnlineSession(
            owner: header.hash(of: record.owner.span), server: event.key.server,
            device: record.device,
            addresses: VirtualAddresses(ipv4: record.ipv4, ipv6: record.ipv6),
            position: header.position + Int64(all.count)))
      }
      if replay.ended.count > count, let end = replay.ended.last {
        ended[all[end.session].owner, default: []].append(end)
      }
    }
  }
}
