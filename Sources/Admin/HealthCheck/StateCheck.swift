import Glibc
import Ledger
import Quota
import SQLite
import Support
import Sweep
import System

/// Looks at what the programs keep: the state directory with all in it, and the log.
struct StateCheck {
  let settings: Settings
  let sweeper: ProcessIdentity?
  let now: Int64

  /// The state directory: the account's own, closed to its group, on a disk of this machine.
  func directoryResults() -> [CheckResult] {
    let folder = directory(of: settings.database)
    var report = CheckReport("database")
    do throws(SystemError) {
      let status = try FileStatus(of: folder)
      let account = Account.name
      if let sweeper, status.owner != sweeper.user {
        report.error(
          "\(folder) does not belong to the user \(account)",
          remedy: "chown \(account):\(account) \(shellWord(folder))")
      }
      if status.mode != 0o2750 {
        report.error(
          "\(folder) has mode \(octal(status.mode)): only its owner may write to it, and its files get "
            + "its group", remedy: "chmod 2750 \(shellWord(folder))")
      }
      if let network = networkFileSystem(of: folder) {
        report.error(
          "\(folder) is on \(network), where appends are not atomic",
          remedy: "set DATABASE in quota.conf to a place on a disk of this machine")
      }
      for file in stateFiles { look(at: file, owner: status.owner, &report) }
      lookAtAccess(to: settings.database, &report)
    } catch {
      report.missing(error, remedy: makePlaces(folder))
    }
    return report.results
  }

  private func makePlaces(_ folder: String) -> String {
    let made =
      folder == "/var/lib/openvpn-quota" && Systemd.isRunning
      ? "systemd-tmpfiles --create openvpn-quota.conf"
      : "install -d -m 2750 -o \(Account.name) -g \(Account.name) "
        + shellWord(folder)
    return "\(made) && \(Systemd.sweepCommand)"
  }

  private struct StateFile {
    let path: String
    let mode: UInt32
    /// Whether hooks cannot do without it.
    let isNeeded: Bool
  }

  private var stateFiles: [StateFile] {
    let folder = directory(of: settings.database)
    let database = ["", "-wal", "-shm", "-journal"].map { settings.database + $0 }
    return (database + ["\(folder)/lock", "\(folder)/heard", "\(folder)/pages"]).map {
      StateFile(path: $0, mode: 0o600, isNeeded: false)
    } + [
      StateFile(path: "\(folder)/access", mode: 0o640, isNeeded: true),
      StateFile(path: "\(folder)/journal", mode: 0o660, isNeeded: true),
      StateFile(path: "\(folder)/journal.old", mode: 0o660, isNeeded: false),
    ]
  }

  private func look(at file: StateFile, owner: uid_t, _ report: inout CheckReport) {
    guard let status = try? FileStatus(ofLink: file.path) else {
      if file.isNeeded {
        report.error(
          "there is no \(file.path), which the hooks need", remedy: Systemd.sweepCommand)
      }
      return
    }
    guard status.kind == .regular, status.owner == owner else {
      return report.error(
        "\(file.path) is not a file of the directory's owner, and is not opened",
        remedy: "look at it, move it away, and run \(Systemd.sweepCommand)")
    }
    if status.mode != file.mode {
      report.error(
        "\(file.path) has mode \(octal(status.mode))",
        remedy: "chmod \(octal(file.mode)) \(shellWord(file.path))")
    }
  }

  private func octal(_ mode: UInt32) -> String { "0" + String(mode, radix: 8) }

  private func lookAtAccess(to file: String, _ report: inout CheckReport) {
    guard let sweeper, let obstacle = sweeper.knownObstacle(to: file, R_OK | W_OK) else { return }
    report.error(
      "\(obstacle) is closed to the user \(sweeper.name)",
      remedy: obstacle == file
        ? "chown \(Account.name):\(Account.name) \(shellWord(file))"
        : "set DATABASE in quota.conf to a place that \(sweeper.name) can reach")
  }

  /// The database: whole, of this version, its write-ahead log short. Root is given up here.
  func ledgerResults() -> [CheckResult] {
    var report = CheckReport("database")
    guard let status = try? FileStatus(of: settings.database) else {
      _ = try? StateDirectory(of: settings.database)
      if (try? FileStatus(of: directory(of: settings.database))) != nil {
        report.error("there is no \(settings.database)", remedy: Systemd.sweepCommand)
      }
      return report.results
    }
    do {
      let ledger = try Ledger.open(
        settings.database, for: .dryRun, rules: settings.rules, zone: settings.zone)
      if let damage = try ledger.maintenance.damage() {
        report.error(
          "\(settings.database) is damaged: \(damage)",
          remedy: "quota-admin restore FILE, with the last backup")
      } else {
        let size = ByteSize.format(status.size, in: settings.units)
        report.ok("\(settings.database) is whole, \(size)")
      }
      lookAtLogLength(&report)
      return report.results + (try closingResults(ledger)) + (try userResults(ledger))
    } catch {
      var report = CheckReport("database")
      report.error(any: error)
      return report.results
    }
  }

  /// A write-ahead log that is long fills the disk, and makes what reads the database slow.
  private func lookAtLogLength(_ report: inout CheckReport) {
    let path = settings.database + "-wal"
    let length = size(ofFile: path) ?? 0
    if length > 1 << 20 {
      let amount = ByteSize.format(length, in: settings.units)
      report.warning(
        "the write-ahead log has grown to \(amount): something keeps it open",
        remedy: "fuser -v \(shellWord(path)), end what is not one of ours, and run quota-sweep")
    }
  }

  private func userResults(_ ledger: Ledger) throws -> [CheckResult] {
    var report = CheckReport("users")
    if let namesakes = try ledger.namesakesInWords() {
      report.warning(namesakes, remedy: "quota-admin rename, or quota-admin remove")
    }
    let held = try ledger.users.countWithRates()
    if held > 0, !settings.fence {
      report.warning(
        "\(held) \(held == 1 ? "user has" : "users have") a rate, and FENCE is no: nobody is slowed "
          + "down, and a used-up quota cuts",
        remedy: "set FENCE=yes in quota.conf, see quota-fence(8), or take the rates away")
    }
    if try ledger.users.names().isEmpty {
      report.ok("there are none yet", remedy: "quota-admin add NAME --quota 50GB --period month")
    }
    return report.results
  }

  /// Servers whose sessions end and no hook says so.
  private func closingResults(_ ledger: Ledger) throws -> [CheckResult] {
    let week: Int64 = 7 * 86_400
    return try ledger.sessions.closings(since: now - week).compactMap { server in
      guard server.byHook == 0, server.byListing > 0 else { return nil }
      return CheckResult(
        "server \(server.name)", .warning,
        "\(server.byListing) sessions ended in a week, and no hook closed any",
        remedy: "see to its client-disconnect line, and restart the server")
    }
  }

  /// The log: there, and writable by the sweep.
  func logResults() -> [CheckResult] {
    let path = settings.logFile
    var report = CheckReport("log")
    let account = Account.name
    let quoted = shellWord(path)
    do throws(SystemError) {
      if path.isEmpty {
        report.ok("LOG_FILE is empty: there is none")
      } else {
        let status = try FileStatus(of: path)
        if let sweeper, let obstacle = try sweeper.obstacle(to: path, W_OK) {
          report.error(
            "\(obstacle) is closed to the user \(sweeper.name)",
            remedy: obstacle == path
              ? "chown \(account):\(account) \(quoted) && chmod 0640 \(quoted)"
              : "set LOG_FILE in quota.conf to a place that \(account) can reach")
        } else {
          report.ok("\(path), \(ByteSize.format(status.size, in: settings.units))")
        }
      }
    } catch {
      report.missing(
        error, remedy: "install -m 0640 -o \(account) -g \(account) /dev/null \(quoted)")
    }
    return report.results
  }
}
