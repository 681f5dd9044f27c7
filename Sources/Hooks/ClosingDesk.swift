import Support
import Ledger
import OpenVPN
import System
import Quota
import SQLite

/// Closes a session's account with its final counters.
///
/// Runs inside OpenVPN's only thread: what cannot be written to the database at once goes into the
/// spool, for the next sweep to take in. Nothing is lost either way.
package struct ClosingDesk {
  private let hook: Hook
  private let note: SweepNote?
  // A script that follows gets the environment as OpenVPN gave it, without what we set in ours.
  private let environment = InheritedEnvironment()

  /// Bytes of write-ahead log from which on even reading the database is too slow for a hook.
  private static let longestLog: Int64 = 256 << 10

  package init(_ command: HookCommandLine) {
    hook = Hook("quota-disconnect", command)
    note = hook.spool.sweepNote
  }

  /// Closes the account, or leaves word in the spool; then hands over to the script the server
  /// already had, whatever came of that.
  package func close() {
    do {
      let client = try HookEnvironment.current()
      for problem in client.problems { hook.log.warn(problem.description) }
      if client.script != .disconnect {
        hook.log.warn(
          "quota-disconnect is the server's client-connect script, and does nothing there")
      } else if let refusal = hook.spool.refusal(of: client.identity) {
        try hook.spool.fold(refusal)
      } else {
        try close(client)
      }
    } catch let error as SystemError {
      hook.log.report(error)
    } catch {
      hook.log.warn("\(error)")
    }
    _ = hook.handOver(environment)
  }

  private func close(_ client: HookEnvironment) throws(SystemError) {
    let admission = hook.spool.admission(of: client.identity, named: client.doorName)
    let report = report(on: client, admission)
    if !closeInDatabase(report) { try hook.spool.leave(.closed(report)) }
    if let admission { try hook.spool.remove(.admitted(admission, at: 0)) }
  }

  /// - Returns: false where the database is busy, not ours to write, or slow at the moment.
  private func closeInDatabase(_ report: FinalReport) -> Bool {
    if noSweepHasRun { return catchUp(report) }
    if logIsLong { return false }
    do throws(LedgerError) {
      let ledger = try hook.openLedger(for: .hook)
      try close(report, in: ledger)
      return true
    } catch {
      complain(error)
      return false
    }
  }

  /// Does what the sweep does otherwise: takes in the spool and moves the write-ahead log into the
  /// database, so that hooks alone go on metering and refusing. Under the sweep lock; where that is
  /// taken, somebody else is at it.
  private func catchUp(_ report: FinalReport) -> Bool {
    do {
      guard let lock = try StateLock.attempt(.sweep, beside: hook.settings.database) else {
        return false
      }
      let ledger = try hook.openLedger(for: .hook)
      try close(report, in: ledger)
      let contents = try hook.spool.readAll()
      if !contents.reports.isEmpty { try ledger.makeCommitsDurable() }
      let intake = try ledger.takeIn(contents, of: hook.spool, at: Clock.now)
      for problem in intake.problems { hook.log.warn(problem) }
      if logIsLong { try ledger.checkpoint() }
      _ = consume lock
      return true
    } catch let error as LedgerError {
      complain(error)
    } catch {
      hook.log.warn("\(error)")
    }
    return false
  }

  private func close(_ report: FinalReport, in ledger: Ledger) throws(LedgerError) {
    do { try ledger.close(report, lastSwept: note) } catch { throw .database(error) }
  }

  private var noSweepHasRun: Bool {
    let now = Clock.now
    let last = note?.at ?? 0
    return now - last > hook.settings.rules.patience || last > now
  }

  private var logIsLong: Bool {
    (size(ofFile: hook.settings.database + "-wal") ?? 0) > ClosingDesk.longestLog
  }

  private func report(on client: HookEnvironment, _ admission: Admission?) -> FinalReport {
    let claimed = try? client.user(by: hook.settings.identifyBy)
    let counters =
      client.bytesReceived == nil && client.bytesSent == nil
      ? nil : Traffic(received: client.bytesReceived ?? 0, sent: client.bytesSent ?? 0)
    let (end, overflow) = client.connectedSince.addingReportingOverflow(client.duration ?? 0)
    return FinalReport(
      identity: client.identity, doorAddress: admission?.identity.address,
      commonName: client.doorName, owner: admission?.owner, claimedOwner: claimed,
      wasLetIn: admission.map { !$0.wasHandedOn } ?? false,
      clientAddress: HookEnvironment.clientAddress(), counters: counters,
      endedAt: client.duration == nil || overflow ? Clock.now : end)
  }

  /// A database that is busy is nothing to complain of: the sweep takes the record in.
  private func complain(_ error: LedgerError) {
    if case .database(let cause) = error, cause.kind == .busy { return }
    hook.log.warn("\(error.description); the session goes into the spool", hint: error.hint)
  }
}
