import ArgumentParser
import Support
import Ledger
import Quota

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
    try StandardOutput.write(["backed up to \(target.forPeople), \(ByteSize.format(size))"])
  }
}
