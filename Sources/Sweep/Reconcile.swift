import Support
import Ledger

/// Brings the ledger up to date with what servers said and hooks left.
struct Reconciler {
  let ledger: Ledger
  let spool: Spool
  let log: Log

  /// Takes in the spool and the observations, and fills in who is live.
  ///
  /// The spool is read after the listings were made: a session that a hook closed meanwhile has
  /// its record there, and is not taken for one that vanished.
  func reconcile(
    _ observations: inout [Observation], at time: Int64, into summary: inout Summary
  ) throws {
    let contents = try spool.readAll()
    let intake = try ledger.takeIn(contents, of: spool, at: time)
    summary.add(intake)
    tell(intake)
    var spent: [Admission] = []
    for index in observations.indices {
      let result = try ledger.reconcile(
        observations[index].report, admissions: contents.admissions.map(\.admission))
      observations[index].live = result.live
      spent += result.spent
      summary.add(result)
    }
    let released = try ledger.release(
      contents, spent: spent, reports: observations.map(\.report), of: spool, at: time)
    tell(released)
  }

  private func tell(_ intake: Intake) {
    for problem in intake.problems { log.warn(problem) }
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
    self.init(
      ledger: opened, spool: Spool(besideDatabase: settings.database, isRehearsal: true), log: log)
  }
}
