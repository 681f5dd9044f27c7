import Gate
import Ledger
import Quota
import Support

/// Brings the ledger up to date with what servers said and hooks wrote.
struct Reconciler {
  let ledger: Ledger
  let log: Log

  /// Takes in the journal and the observations, and fills in who is live.
  ///
  /// The journal is read after the listings were made, so it has the `in` of every session in them,
  /// and the `end` of every one that is over meanwhile.
  func reconcile(
    _ observations: inout [Observation], at moment: JournalMoment, into summary: inout Summary
  ) throws {
    let result = try ledger.reconcile(
      journal: ledger.stateDirectory(), observations.map(\.report), at: moment)
    summary.add(result)
    log.tell(result)
    for (index, listing) in result.listings.enumerated() {
      observations[index].result = listing
      if let failure = listing.failure {
        observations[index].server.listingFailure = .unclear(failure)
      }
    }
  }
}

extension Reconciler {
  /// Reads a ledger that cannot be written, and changes nothing but a copy of it in memory.
  ///
  /// - Returns: nil if it cannot be read either.
  init?(readingOnly settings: Settings, _ log: Log) {
    let opened = try? Ledger.openUnwritable(
      settings.database, rules: settings.rules, zone: settings.zone)
    guard let opened else { return nil }
    self.init(ledger: opened, log: log)
  }
}

extension Ledger {
  /// Opens the ledger that settings name, to write, and logs what came of taking in the journal.
  package static func open(
    _ settings: Settings, _ log: Log, at moment: JournalMoment = .now
  ) throws(LedgerError) -> Ledger {
    let ledger = try open(
      settings.database, for: .writing, rules: settings.rules, zone: settings.zone, at: moment)
    log.tell(ledger.imported)
    return ledger
  }
}

extension Log {
  /// Tells what came of it: what went wrong, who was refused, and who is slowed down.
  func tell(_ result: Reconciliation) {
    for problem in result.problems { warn(problem) }
    for run in result.refusals {
      record(
        .info, "refused",
        [
          "user": .bytes(run.user.bytes), "reason": .text(run.reason.text),
          "times": .number(run.count),
        ])
    }
    for (user, rate) in result.slowed {
      record(
        .info, "slowed",
        [
          "user": .bytes(user.bytes), "reason": .text(Reason.quota.text),
          "rate": .text("\(rate)"),
        ])
    }
  }
}

extension Settings {
  /// What the access table has of the settings, besides the rules.
  package var access: AccessSettings { AccessSettings(onError: onError, identifyBy: identifyBy) }
}
