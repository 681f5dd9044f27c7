import Ledger
import System
import Quota
import SQLite

/// What `Door` and `ClosingDesk` in Sources/Hooks do.
extension InProcess {
  func answer(
    _ call: HookCall, _ world: World, _ life: Life, _ pause: () -> Void
  ) throws -> Bool {
    try life.step()
    let user = UserName(call.commonName)
    let verdict: Verdict
    do {
      let standing = try open(for: .door).standing(of: user, at: world.clock)
      verdict = decide(standing, at: world.clock, by: rules)
    } catch let error as LedgerError {
      guard case .database = error else { throw error }
      verdict = letsInUnseen ? .allowed : .refused(.undecided)
    } catch is SQLiteError {
      verdict = letsInUnseen ? .allowed : .refused(.undecided)
    }
    try life.step()
    pause()
    switch verdict {
    case .allowed:
      let admission = Admission(identity: call.identity, commonName: user, owner: user)
      try? spool.leave(.admitted(admission, at: world.clock))
    case .refused(let reason):
      let refusal = Refusal(
        identity: call.identity, user: user, reason: reason, at: world.clock, wasLogged: false)
      try? spool.leave(.refused(refusal))
    }
    try life.step()
    try life.end()
    return verdict == .allowed
  }

  func close(
    _ call: HookCall, _ world: World, _ life: Life, _ pause: () -> Void
  ) throws -> Told {
    try life.step()
    let note = spool.sweepNote
    if let refusal = spool.refusal(of: call.identity) {
      _ = try? spool.fold(refusal)
      return .ledger
    }
    let name = UserName(call.commonName)
    let admission = spool.admission(of: call.identity, named: name)
    pause()
    try life.step()
    let report = FinalReport(
      identity: call.identity, doorAddress: admission?.identity.address, commonName: name,
      owner: admission?.owner, claimedOwner: name, wasLetIn: admission != nil,
      clientAddress: call.realAddress,
      counters: call.counters.map { Traffic(received: $0.received, sent: $0.sent) },
      endedAt: call.since + call.duration)
    var told = Told.ledger
    do { try closeInDatabase(report, note, world, life) } catch let error as LedgerError {
      guard case .database = error else { throw error }
      told = .spool
    } catch is SQLiteError {
      told = .spool
    }
    try life.step()
    if told == .spool {
      do { try spool.leave(.closed(report)) } catch { return .nowhere }
      try life.step()
    }
    if let admission { try spool.remove(.admitted(admission, at: 0)) }
    try life.end()
    return told
  }

  private func closeInDatabase(
    _ report: FinalReport, _ note: SweepNote?, _ world: World, _ life: Life
  ) throws {
    let ledger = try open(for: .hook)
    try ledger.close(report, lastSwept: note)
    let age = world.clock - (note?.at ?? 0)
    guard age > rules.patience || age < 0, !world.isSweeping else { return }
    try life.step()
    let contents = try spool.readAll()
    if !contents.reports.isEmpty { try ledger.makeCommitsDurable() }
    _ = try ledger.takeIn(contents, of: spool, at: world.clock)
  }
}
