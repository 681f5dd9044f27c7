import ArgumentParser
import Ledger
import Support
import System

struct BackUp: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy the database into a file while everything goes on.",
    discussion: "Example: quota-admin backup /var/backups/quota.db")

  @OptionGroup var options: CommonOptions
  @Argument(
    help: "Where the copy goes; an earlier backup there is replaced.", completion: .file())
  var file: String

  func run() throws {
    let settings = try options.settings()
    let target = FileArgument(file)
    try Backup.checkPlace(target.path, of: settings.database)
    let size = try OutputFile(file).write(with: settings, mode: 0o640) { output in
      let progress = Progress("backing up")
      try Backup.make(of: settings.database, into: output, called: target.path) { done, total in
        progress.show(done, of: total)
      }
    }
    guard let size else { return }
    try StandardOutput.write(["backed up to \(target.forPeople), \(Words(settings).size(size))"])
  }
}

struct Restore: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put a backup in the place of the database, and keep the present one beside it.",
    discussion: "Example: quota-admin restore /var/backups/quota.db")

  @OptionGroup var options: CommonOptions
  @OptionGroup var consent: Consent
  @Argument(help: "The backup.", completion: .file())
  var file: String

  func run() throws {
    let settings = try options.settings()
    let backup = FileArgument(file)
    let source = try SourceDatabase(backup.path)
    let copy = try source.copy(beside: settings.database)
    try Restoration.check(copy.path, called: backup.path)
    let changed = Words(settings).time(source.modifiedAt)
    let question = "replace \(settings.database) by \(backup.forPeople) of \(changed)"
    guard try consent.isGiven(to: question) else { return }
    let lock = try StateLock.takeSweep(beside: settings.database, within: .seconds(15))
    let progress = Progress("restoring")
    let done = try Restoration.perform(
      from: copy.path, called: backup.path, into: settings.database,
      stamp: isoTime(Clock.now).filter { $0 != "-" && $0 != ":" }, zone: settings.zone
    ) { done, total in progress.show(done, of: total) }
    _ = consume lock
    try Administration(settings).publish()
    try StandardOutput.write(["restored \(backup.forPeople)"] + Restore.fate(of: done))
  }

  private static func fate(of restoration: Restoration) -> [String] {
    guard let former = restoration.former else { return [] }
    let path = Escaping.plain(former)
    return [
      restoration.wasDamaged
        ? "the damaged database was moved to \(path)" : "the database as it was is kept in \(path)"
    ]
  }
}
