import System

/// Why sessions cannot be followed.
package enum SessionReplayError: Error {
  case table(AccessError)
  case tail(SystemError)
}

extension SessionReplay {
  /// The sessions of a user by the table and what follows it in the journal.
  ///
  /// The tail is gone over twice at most: first for the user's own sessions, which are known by the
  /// owner, then for all that may end them, under any name.
  ///
  /// - Parameter tail: nil where it cannot be read: then the table alone says what there is.
  package static func following(
    _ owner: [UInt8], from table: inout AccessTable, through tail: borrowing JournalTail?,
    now: JournalMoment
  ) throws(SessionReplayError) -> SessionReplay {
    var replay = SessionReplay(owner: owner, hashKey: table.header.key, now: now)
    var seconds = try replay.addSessions(of: &table)
    switch tail {
    case .none: break
    case .some(let tail):
      do throws(SystemError) { seconds += try tail.seconds(ofOwner: owner) } catch {
        throw .tail(error)
      }
      seconds.sort()
      if !seconds.isEmpty { try replay.follow(tail, seconds, &table) }
    }
    return replay
  }

  /// Takes the user's sessions of the table, and gives the seconds in which they began.
  private mutating func addSessions(
    of table: inout AccessTable
  ) throws(SessionReplayError) -> [Int64] {
    do throws(AccessError) {
      var seconds: [Int64] = []
      for session in try table.sessions(ofOwner: owner) {
        let process = try table.process(session.process)
        add(session, of: process, isOwn: true, boot: table.header.boot)
        seconds.append(session.connectedSince)
      }
      return seconds
    } catch { throw .table(error) }
  }

  /// Takes the records of some seconds, which are ascending; and, before the first `end` of a key, the
  /// table's sessions of others that it may belong to.
  private mutating func follow(
    _ tail: borrowing JournalTail, _ seconds: [Int64], _ table: inout AccessTable
  ) throws(SessionReplayError) {
    var failure: AccessError?
    let owner = JournalLine.field(owner)
    let name = 1..<owner.count - 1
    do throws(SystemError) {
      try tail.forEachLine(in: seconds) { line in
        guard
          let event = SessionEvent(line: line, owner: owner.span.extracting(name), by: hashKey)
        else { return }
        do throws(AccessError) {
          try add(event) { (replay, key) throws(AccessError) in
            try replay.addOthers(key, of: &table)
          }
        } catch { failure = error }
      }
    } catch { throw .tail(error) }
    if let failure { throw .table(failure) }
  }

  private mutating func addOthers(
    _ key: Key, of table: inout AccessTable
  ) throws(AccessError) {
    let ownHash = hashKey.hash(owner)
    let sessions = try table.sessions(
      server: key.server, pid: key.pid, connectedSince: key.connectedSince)
    for session in sessions where session.owner != ownHash {
      add(
        session, of: try table.process(session.process), isOwn: false, boot: table.header.boot)
    }
  }
}
