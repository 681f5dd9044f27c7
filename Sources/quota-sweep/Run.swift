import ArgumentParser
import CommandSupport
import Sweep

/// Runs one sweep and says what came of it.
///
/// - Returns: how the program ends.
/// - Throws: an `Explained` error for what kept the sweep from being done.
func run(_ options: Options, _ voice: Voice) throws -> ExitStatus {
  let loaded = try Settings.load(config: options.config)
  voice.warn(of: loaded.problems)
  let run = SweepRun(
    loaded.settings, voice, isRehearsal: options.dryRun, only: options.servers)
  let summary = try run.perform()
  if options.json {
    print(summary.json(isRehearsal: options.dryRun))
  } else if options.verbose || options.dryRun {
    print(summary.text(isRehearsal: options.dryRun))
  }
  return summary.exitStatus
}

/// Says what ended the reading of a command line: its help or version, or a mistake in it.
func report(_ error: any Error, of command: (some ParsableCommand).Type, _ voice: Voice)
  -> ExitStatus
{
  if command.exitCode(for: error) == .success {
    print(command.fullMessage(for: error))
    return .done
  }
  let message = command.message(for: error)
  voice.error(
    message.prefix(1).lowercased() + message.dropFirst(),
    hint: "\(voice.program) --help lists the options")
  return command.exitCode(for: error) == .validationFailure ? .usage : .bug
}
