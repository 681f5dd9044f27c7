import Support
import Ledger
import OpenVPN
import System
import Quota
import SQLite

/// Answers one question before a client costs anything: may this user come in?
///
/// Runs inside OpenVPN's only thread: everybody's traffic waits for it. So it reads the database,
/// never writes it, and leaves one small record in the spool for the sweep and for the disconnect
/// hook of the session.
package struct Door {
  private let hook: Hook
  private let environment = InheritedEnvironment()

  package init(_ command: HookCommandLine) { hook = Hook("quota-connect", command) }

  /// Decides, and after a yes hands over to the script the server already had, whose word is the
  /// last then.
  ///
  /// - Returns: whether the client may come in.
  package func answer() -> Bool {
    do throws(HookEnvironmentError) {
      let client = try HookEnvironment.current()
      if client.script != .connect {
        hook.log.warn(
          "quota-connect is the server's client-disconnect script, and does nothing there")
        return true
      }
      return answer(client, user: try client.user(by: hook.settings.identifyBy))
    } catch {
      return isAdmittedUnseen(error.description, hint: nil) && hook.handOver(environment)
    }
  }

  private func answer(_ client: HookEnvironment, user: UserName) -> Bool {
    let (verdict, isLimited) = verdict(on: client, user: user)
    switch verdict {
    case .allowed:
      leave(admission(of: client, user: user, isLimited: isLimited))
      return hook.handOver(environment)
    case .refused(let reason):
      leave(refusal(of: client, user: user, reason))
      return false
    }
  }

  /// What the rule says, and whether the user may have only so many sessions at once; where the
  /// rule cannot be asked, what the setting `ON_ERROR` says.
  private func verdict(
    on client: HookEnvironment, user: UserName
  ) -> (Verdict, isLimited: Bool) {
    if client.wouldBreakListing { return (.refused(.nameTooLong), false) }
    do throws(LedgerError) {
      let now = Clock.now
      let standing = try standing(of: user, client, at: now)
      let verdict = decide(standing, at: now, by: hook.settings.rules)
      return (verdict, standing.map { $0.maxSessions > 0 } ?? false)
    } catch {
      let comesIn = isAdmittedUnseen(error.description, hint: error.hint)
      return (comesIn ? .allowed : .refused(.undecided), false)
    }
  }

  /// What is known of a user; by the columns that every version has where the schema is not ours.
  private func standing(
    of user: UserName, _ client: HookEnvironment, at time: Int64
  ) throws(LedgerError) -> Standing? {
    do throws(LedgerError) {
      let ledger = try hook.openLedger(for: .door)
      do { return try standing(of: user, client, in: ledger, at: time) } catch {
        throw .database(error)
      }
    } catch .schema {
      do { return try standingInAnySchema(of: user, in: hook.settings.database) } catch {
        throw .database(error)
      }
    }
  }

  private func standing(
    of user: UserName, _ client: HookEnvironment, in ledger: Ledger, at time: Int64
  ) throws(SQLiteError) -> Standing? {
    guard var standing = try ledger.standing(of: user, at: time) else { return nil }
    // Counting them takes a look at the spool as well, which most users need not wait for.
    if standing.maxSessions > 0 {
      standing.sessionsBefore = try ledger.sessionsBefore(
        client.identity, on: HookEnvironment.serverName(), of: user, most: standing.maxSessions,
        spool: hook.spool, at: time)
    }
    return standing
  }

  private func admission(
    of client: HookEnvironment, user: UserName, isLimited: Bool
  ) -> SpoolRecord {
    // Only where sessions are counted does it matter which server it is.
    let server = isLimited ? HookEnvironment.serverName() : nil
    let admission = Admission(
      identity: client.identity, commonName: client.doorName, owner: user,
      wasHandedOn: !hook.command.successor.isEmpty, server: server)
    return .admitted(admission, at: Clock.now)
  }

  /// Notes a refusal, in the log only now and then: a refused client may be back every few seconds.
  private func refusal(
    of client: HookEnvironment, user: UserName, _ reason: Reason
  ) -> SpoolRecord {
    let now = Clock.now
    let tally = hook.spool.tally(of: user, reason, at: now)
    let isTimeToLog = tally.map { now - $0.loggedAt >= RefusalTally.logInterval } ?? true
    if isTimeToLog {
      hook.log.record(
        .info, "refused",
        [
          "user": .bytes(user.bytes), "reason": .text(reason.text),
          "times": .number((tally?.count ?? 0) + 1),
        ])
    }
    return .refused(
      Refusal(
        identity: client.identity, user: user, reason: reason, at: now, wasLogged: isTimeToLog))
  }

  /// Leaves a record; that it cannot be written never changes an answer.
  private func leave(_ record: SpoolRecord) {
    do throws(SystemError) { try hook.spool.leave(record) } catch {
      hook.log.warn(error.description, hint: error.hint)
    }
  }

  /// The answer to a question that cannot be answered: the setting `ON_ERROR`.
  private func isAdmittedUnseen(_ message: String, hint: String?) -> Bool {
    let comesIn = hook.settings.onError == .allow
    let consequence = comesIn ? "ON_ERROR lets the client in" : "ON_ERROR keeps the client out"
    hook.log.warn("\(message); \(consequence)", hint: hint)
    return comesIn
  }
}
