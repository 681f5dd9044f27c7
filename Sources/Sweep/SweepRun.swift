import Fence
import Gate
import Glibc
import Ledger
import Servers
import Support
import System

/// One sweep from the lock to the log, the same whichever program runs it.
package struct SweepRun {
  private let settings: Settings
  private let log: Log
  private let isDryRun: Bool
  private let only: [String]
  private let kick: Kick?

  /// - Parameters:
  ///   - diagnostics: the program's, for its errors and warnings, and for its lines in the log.
  ///   - isDryRun: show what would be done, and change nothing.
  ///   - only: the names of the servers to sweep, all if empty.
  ///   - kick: a user to disconnect besides those who have to go.
  package init(
    _ settings: Settings, _ diagnostics: DiagnosticPrinter, isDryRun: Bool = false,
    only: [String] = [],
    kick: Kick? = nil
  ) {
    self.settings = settings
    self.isDryRun = isDryRun
    self.only = only
    self.kick = kick
    log = Log(diagnostics, settings, isDryRun: isDryRun)
  }

  /// Runs it under the sweep lock, and writes to the log what came of it.
  ///
  /// - Parameter patience: how long to wait for a sweep that is under way.
  /// - Throws: a `UserFacingError` for what kept the sweep from being done.
  package func perform(patience: Duration = .zero) throws -> Summary {
    let lock = try StateLock.takeSweep(beside: settings.database, within: patience)
    let settings = settings.lookingAtFence
    if settings.isFenceDown { tellFenceIsDown() }
    var sweep = try Sweep(
      settings, log: log, isDryRun: isDryRun, only: only, kick: kick)
    if sweep.hasNoServers {
      for problem in sweep.problems { log.warn(problem.description, hint: problem.hint) }
      if isatty(STDERR_FILENO) == 1 { throw NoServers() }
    }
    let summary = try sweep.run()
    _ = consume lock
    tell(summary)
    return summary
  }

  /// Warns of it once, before it is noted.
  private func tellFenceIsDown() {
    guard let directory = try? Directory(directory(of: settings.database)),
      !LastHeard(in: directory).isFenceDown
    else { return }
    log.warn(
      "quota-fence is behind by more than \(settings.rules.patience) seconds: who would be slowed down "
        + "at their quota is disconnected, until it has run again",
      hint: "quota-fence --verbose says what keeps it")
  }

  /// Writes the log: each failure, each session told to go, and one line for the run.
  private func tell(_ summary: Summary) {
    for server in summary.servers where server.state == .failed {
      for error in server.errors { log.report(ServerFailed(server, error)) }
    }
    if let failure = summary.bookkeepingFailure { log.report(failure) }
    for problem in summary.problems { log.record(.info, "noticed", ["what": .text(problem)]) }
    for kill in summary.kills {
      log.record(
        .info, "disconnected",
        [
          "user": .bytes(kill.user.bytes), "server": .text(kill.server),
          "address": .text(kill.address), "reason": .text(kill.reason.text),
        ])
    }
    log.record(
      .info, "swept",
      [
        "servers": .number(summary.count(.swept)), "down": .number(summary.count(.down)),
        "failed": .number(summary.count(.failed)), "sessions": .number(Int64(summary.sessions)),
        "bytes": .number(summary.bytesAdded), "closed": .number(Int64(summary.closed)),
        "killed": .number(Int64(summary.kills.count)), "ms": .number(summary.milliseconds),
      ])
  }
}

extension Settings {
  /// With a look whether quota-fence is several sweeps behind: then nothing slows users down, and their quota
  /// has to cut them. Where it has never run, it had the time since the first sweep with `FENCE`.
  package var lookingAtFence: Settings {
    var settings = self
    guard fence, let directory = try? Directory(directory(of: database)) else { return settings }
    let heard = LastHeard(in: directory)
    if let last = heard.sweep {
      let ran = SentFence.lastSweep(in: directory) ?? heard.fencedSince ?? last
      settings.isFenceDown = ran < last - rules.patience
    }
    return settings
  }
}

extension Summary {
  /// How the program ends after it.
  package var exitStatus: ExitStatus {
    bookkeepingFailure?.exitStatus ?? (everyServerDone ? .done : .unavailable)
  }

  fileprivate func count(_ state: ServerResult.State) -> Int64 {
    Int64(servers.count { $0.state == state })
  }
}

/// A configured server that was not swept, or not wholly.
private struct ServerFailed: UserFacingError {
  let message: String
  let hint: String?
  let exitStatus = ExitStatus.unavailable

  init(_ server: Summary.ServerResult, _ error: String) {
    message = "server \(server.name): \(error)"
    hint = error == server.errors.first ? server.hint : nil
  }
}

/// Nothing to sweep, told to a person; a timer may well run before the first server is set up.
package struct NoServers: UserFacingError {
  package let message = "no OpenVPN server is configured"
  package let hint: String? =
    "set MANAGEMENT in quota.conf, or add a management line to the server's config"
  package let exitStatus = ExitStatus.configuration

  package init() {}
}
