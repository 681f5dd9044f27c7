import Support
import Glibc
import Ledger
import System
import Quota
import SQLite
import Sweep

extension Checkup {
  /// The settings, and whether the account exists that all is shared by.
  func settingsFindings() -> [Finding] {
    var findings = problems.map { problem in
      Finding(
        "settings", problem.isError ? .error : .warning, problem.message,
        remedy: "man 5 quota.conf has what is allowed")
    }
    if findings.isEmpty { findings.append(Finding("settings", .ok, "every value is allowed")) }
    if let sweeper, !sweeper.canBeAsked {
      findings.append(
        Finding(
          "account", .ok, "what other users may do was not looked at, which takes root"))
    }
    if sweeper == nil {
      findings.append(
        Finding(
          "account", .error, "there is no user \(Checkup.account)",
          remedy: Systemd.isRunning
            ? "systemd-sysusers openvpn-quota.conf"
            : "adduser --system --group --no-create-home --home /var/lib/openvpn-quota \(Checkup.account)"
        ))
    }
    return findings
  }

  /// The state directory: the account's own, closed to its group, on a disk of this machine.
  func directoryFindings() -> [Finding] {
    let folder = directory(of: settings.database)
    let account = Checkup.account
    do throws(SystemError) {
      let status = try FileStatus(of: folder)
      var findings: [Finding] = []
      if status.mode & 0o2050 != 0o2050 {
        findings.append(
          Finding(
            "database", .error, "\(folder) does not pass its group on, or is closed to it",
            remedy: "chown \(account):\(account) \(folder) && chmod 2770 \(folder)"))
      }
      if let network = NetworkFileSystem(of: folder) {
        findings.append(
          Finding(
            "database", .error, "\(folder) is on \(network.name), where appends are not atomic",
            remedy: "set DATABASE in quota.conf to a place on a disk of this machine"))
      }
      let files = [settings.database, settings.database + "-wal", settings.database + "-shm"]
      return findings + files.compactMap(accessFinding)
    } catch {
      return [missing("database", error, remedy: makePlaces(folder))]
    }
  }

  private func makePlaces(_ folder: String) -> String {
    let made =
      folder == "/var/lib/openvpn-quota" && Systemd.isRunning
      ? "systemd-tmpfiles --create openvpn-quota.conf"
      : "install -d -m 2770 -o \(Checkup.account) -g \(Checkup.account) \(folder)"
    return "\(made) && \(sweepCommand)"
  }

  /// What the sweep may not write.
  private func accessFinding(_ file: String) -> Finding? {
    guard let sweeper, let obstacle = (try? sweeper.obstacle(to: file, R_OK | W_OK)) ?? nil else {
      return nil
    }
    return Finding(
      "database", .error, "\(obstacle) is closed to the user \(sweeper.name)",
      remedy: obstacle == file
        ? "chown \(Checkup.account):\(Checkup.account) \(file)"
        : "set DATABASE in quota.conf to a place that \(sweeper.name) can reach")
  }

  /// The database: whole, of this version, its write-ahead log short. Root is given up here.
  func ledgerFindings() -> [Finding] {
    guard let status = try? FileStatus(of: settings.database) else {
      _ = try? StateDirectory(of: settings.database)
      guard (try? FileStatus(of: directory(of: settings.database))) != nil else { return [] }
      return [
        Finding(
          "database", .error, "there is no \(settings.database)", remedy: sweepCommand)
      ]
    }
    return contentFindings(status)
  }

  private func contentFindings(_ status: FileStatus) -> [Finding] {
    do {
      let ledger = try Ledger.open(
        settings.database, for: .rehearsal, rules: settings.rules, zone: settings.zone)
      let damage = try ledger.damage()
      let size = ByteSize.format(status.size)
      var findings = [
        damage.map {
          Finding(
            "database", .error, "\(settings.database) is damaged: \($0)",
            remedy: "quota-admin restore FILE, with the last backup")
        } ?? Finding("database", .ok, "\(settings.database) is whole, \(size)")
      ]
      findings += logLengthFindings() + (try closingFindings(ledger))
      return findings
    } catch let error as any Explained {
      return [Finding("database", .error, error.message, remedy: error.hint)]
    } catch {
      return [Finding("database", .error, "\(error)")]
    }
  }

  /// A write-ahead log that is long makes every hook slow.
  private func logLengthFindings() -> [Finding] {
    let path = settings.database + "-wal"
    let length = size(ofFile: path) ?? 0
    guard length > 1 << 20 else { return [] }
    return [
      Finding(
        "database", .warning,
        "the write-ahead log has grown to \(ByteSize.format(length)): something keeps it open",
        remedy: "fuser -v \(path), end what is not one of ours, and run quota-sweep")
    ]
  }

  /// Servers whose sessions end and no hook says so.
  private func closingFindings(_ ledger: Ledger) throws -> [Finding] {
    let week: Int64 = 7 * 86_400
    return try ledger.closings(since: now - week).compactMap { server in
      guard server.byHook == 0, server.byListing > 0 else { return nil }
      return Finding(
        "server \(server.name)", .warning,
        "\(server.byListing) sessions ended in a week, and no hook closed any",
        remedy: "see to its client-disconnect line, and restart the server")
    }
  }

  /// The spool: a directory that hooks of every user can leave records in.
  func spoolFindings() -> [Finding] {
    let path = Spool(besideDatabase: settings.database).path
    let remedy = "install -d -m 2770 -g \(Checkup.account) \(path)"
    do throws(SystemError) {
      let status = try FileStatus(of: path)
      let obstacle = (try? sweeper?.obstacle(to: path, R_OK | W_OK | X_OK)) ?? nil
      guard status.mode & 0o2070 == 0o2070, obstacle == nil else {
        return [
          Finding(
            "spool", .error, "\(path) is closed to the group \(Checkup.account)",
            remedy: "chgrp \(Checkup.account) \(path) && chmod 2770 \(path)")
        ]
      }
      return [Finding("spool", .ok, "\(path) is open to the group")]
    } catch {
      return [missing("spool", error, remedy: remedy)]
    }
  }

  /// The log: there, and writable by the sweep.
  func logFindings() -> [Finding] {
    let path = settings.logFile
    guard !path.isEmpty else { return [Finding("log", .ok, "LOG_FILE is empty: there is none")] }
    let account = Checkup.account
    let remedy = "install -m 0660 -o \(account) -g \(account) /dev/null \(path)"
    do throws(SystemError) {
      let status = try FileStatus(of: path)
      guard let sweeper, let obstacle = try sweeper.obstacle(to: path, W_OK) else {
        return [Finding("log", .ok, "\(path), \(ByteSize.format(status.size))")]
      }
      return [
        Finding(
          "log", .error, "\(obstacle) is closed to the user \(sweeper.name)",
          remedy: obstacle == path
            ? "chown \(account):\(account) \(path) && chmod 0660 \(path)"
            : "set LOG_FILE in quota.conf to a place that \(account) can reach")
      ]
    } catch {
      return [missing("log", error, remedy: remedy)]
    }
  }

  /// A file that could not be looked at, which is not the same as one that is not there.
  func missing(_ subject: String, _ error: SystemError, remedy: String) -> Finding {
    error.code == ENOENT
      ? Finding(subject, .error, "there is no \(error.subject)", remedy: remedy)
      : Finding(subject, .error, error.message, remedy: error.hint)
  }
}
