import ArgumentParser
import CommandSupport
import Glibc
import Sweep

/// Runs one sweep and says what came of it.
///
/// - Returns: how the program ends.
/// - Throws: an `Explained` error for what kept the sweep from being done.
func run(_ options: Options, _ voice: Voice) throws -> ExitStatus {
  let loaded = try Settings.load(config: options.config)
  voice.warn(of: loaded.problems)
  let settings = loaded.settings
  let log = Log(
    voice: voice, path: options.dryRun ? "" : settings.logFile, level: settings.logLevel)
  guard let lock = try SweepLock.attempt(beside: settings.database, patience: .seconds(1)) else {
    throw SweepLockTaken()
  }
  var sweep = try Sweep(
    settings, log: log, isRehearsal: options.dryRun, only: options.servers)
  if sweep.hasNoServers, isatty(STDERR_FILENO) == 1 { throw NoServers() }
  let summary = try sweep.run()
  _ = consume lock
  tell(summary, log)
  if options.json {
    print(summary.json(isRehearsal: options.dryRun))
  } else if options.verbose || options.dryRun {
    print(summary.text(isRehearsal: options.dryRun))
  }
  return summary.everyServerDone ? .done : .unavailable
}

/// Writes the log: each failure, each session told to go, and one line for the run.
private func tell(_ summary: Summary, _ log: Log) {
  for server in summary.servers where server.state == .failed {
    for error in server.errors { log.report(ServerFailed(server, error)) }
  }
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
      "servers": .number(count(summary, .swept)), "down": .number(count(summary, .down)),
      "failed": .number(count(summary, .failed)), "sessions": .number(Int64(summary.sessions)),
      "bytes": .number(summary.bytesAdded), "closed": .number(Int64(summary.closed)),
      "killed": .number(Int64(summary.kills.count)), "ms": .number(summary.milliseconds),
    ])
}

private func count(_ summary: Summary, _ state: Summary.ServerResult.State) -> Int64 {
  Int64(summary.servers.count { $0.state == state })
}

/// A configured server that was not swept, or not wholly.
private struct ServerFailed: Explained {
  let message: String
  let hint: String?
  let exitStatus = ExitStatus.unavailable

  init(_ server: Summary.ServerResult, _ error: String) {
    message = "server \(server.name): \(error)"
    hint = error == server.errors.first ? server.hint : nil
  }
}

/// Nothing to sweep, told to a person; a timer may well run before the first server is set up.
private struct NoServers: Explained {
  let message = "no OpenVPN server is configured"
  let hint: String? =
    "set MANAGEMENT in quota.conf, or add a management line to the server's config"
  let exitStatus = ExitStatus.configuration
}
