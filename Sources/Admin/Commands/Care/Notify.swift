import ArgumentParser
import Support
import Ledger
import System
import Quota

struct Notify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Deliver the notices that wait, by running NOTIFY_COMMAND for each.",
    discussion: """
      A timer runs it after each sweep. Whom a notice is for and what it says stands in the \
      environment of the command; quota-admin(8) lists the variables. A command that fails, or \
      takes longer than 30 seconds, is run again later, up to 5 times in all.

      Example: quota-admin notify
      """)

  @OptionGroup var options: CommonOptions

  /// Seconds that the command may take for one notice.
  private static let timeLimit = Duration.seconds(30)

  func run() throws {
    let administration = try Administration(options)
    let (ledger, settings) = (administration.ledger, administration.settings)
    let command = settings.notifyCommand
    let log = Log(AdminProgram.diagnostics, settings)
    if command.isEmpty { return }
    let begun = Clock.now
    var failed = 0
    while let notice = try ledger.notices.takeNext(since: begun, at: Clock.now) {
      let fate = try deliver(notice, by: command, administration, log)
      if fate != .delivered { failed += 1 }
      // The others would most likely hang too, for half a minute each.
      if fate == .hung { break }
    }
    let dropped = try ledger.notices.giveUp(at: Clock.now)
    if dropped > 0 { log.warn("gave up on \(dropped) notices that could not be delivered") }
    if failed > 0 {
      throw CommandError(
        "\(failed) notices were not delivered; they will be tried again",
        hint: "the log says why: \(settings.logFile)", exitStatus: .unavailable)
    }
  }

  /// What became of a notice.
  private enum Fate { case delivered, failed, hung }

  private func deliver(
    _ notice: Notice, by command: String, _ administration: Administration, _ log: Log
  ) throws -> Fate {
    guard let user = try administration.find(notice.user) else { return .delivered }
    let settings = administration.settings
    let letter = NoticeLetter(
      notice, to: user, administration.words,
      pages: settings.userPages.isEmpty ? nil : settings.userPagesURL)
    do throws(ChildFailure) {
      try runChild(command, environment: letter.environment, timeLimit: Notify.timeLimit)
    } catch {
      log.record(
        .warning, "not delivered",
        [
          "user": .bytes(notice.user.bytes), "notice": .text(notice.kind.rawValue),
          "detail": .text(notice.detail), "try": .number(notice.tries + 1),
          "why": .text(error.description),
        ])
      return error == .timedOut ? .hung : .failed
    }
    try administration.ledger.notices.settle(notice, at: Clock.now)
    log.record(
      .info, "notified",
      [
        "user": .bytes(notice.user.bytes), "notice": .text(notice.kind.rawValue),
        "detail": .text(notice.detail),
      ])
    return .delivered
  }
}
