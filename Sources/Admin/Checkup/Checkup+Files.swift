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
    if sweeper == nil {
      findings.append(
        Finding(
          "account", .error, "there is no user \(Checkup.account)",
          remedy: "systemd-sysusers openvpn-quota.conf"))
    }
    return findings
  }

  /// The database: there, whole, of this version, open to the group, its log short.
  func databaseFindings() -> [Finding] {
    let path = settings.database
    let folder = directory(of: path)
    do throws(SystemError) {
      let place = try FileStatus(of: folder)
      guard place.mode & 0o2070 == 0o2070 else {
        return [
          Finding(
            "database", .error, "\(folder) does not pass its group on, or is closed to it",
            remedy: "chgrp \(Checkup.account) \(folder) && chmod 2770 \(folder)")
        ]
      }
      let status = try FileStatus(of: path)
      return modeFindings(of: [path, path + "-wal", path + "-shm"]) + contentFindings(status)
    } catch {
      return [missing("database", error, remedy: makePlaces(folder))]
    }
  }

  private func makePlaces(_ folder: String) -> String {
    folder == "/var/lib/openvpn-quota"
      ? "systemd-tmpfiles --create openvpn-quota.conf && systemctl start quota-sweep"
      : "install -d -m 2770 -g \(Checkup.account) \(folder) && systemctl start quota-sweep"
  }

  private func modeFindings(of files: [String]) -> [Finding] {
    guard let sweeper else { return [] }
    return files.compactMap { file in
      guard let status = try? FileStatus(of: file), !sweeper.may(R_OK | W_OK, status) else {
        return nil
      }
      return Finding(
        "database", .error, "\(file) may not be written by \(sweeper.name)",
        remedy: "chgrp \(Checkup.account) \(file) && chmod 0660 \(file)")
    }
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
      guard status.mode & 0o2070 == 0o2070, sweeper?.may(R_OK | W_OK | X_OK, status) != false else {
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
    let remedy = "install -m 0660 -o \(Checkup.account) -g \(Checkup.account) /dev/null \(path)"
    do throws(SystemError) {
      guard let sweeper, let obstacle = try sweeper.obstacle(to: path, W_OK) else {
        return [Finding("log", .ok, "\(path), \(ByteSize.format(try FileStatus(of: path).size))")]
      }
      let mending =
        obstacle == path
        ? "chgrp \(Checkup.account) \(path) && chmod 0660 \(path)" : "chmod o+x \(obstacle)"
      return [
        Finding("log", .error, "\(obstacle) is closed to \(sweeper.name)", remedy: mending)
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
