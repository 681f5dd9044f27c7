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
    let progress = Progress("backing up")
    let size = try Backup.make(of: settings.database, to: target.path) { done, total in
      progress.show(done, of: total)
    }
    try StandardOutput.write(["backed up to \(target.forPeople), \(ByteSize.format(size))"])
  }
}
