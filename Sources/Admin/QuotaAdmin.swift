import ArgumentParser
import Support
import System

/// The command with all its subcommands; nothing else is here.
struct QuotaAdmin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quota-admin",
    abstract: "Look after the users of an OpenVPN server and their quotas.",
    discussion: """
      A change takes effect at once for users who connect, and with the next sweep for users who \
      are connected. The whole story: man 8 quota-admin
      """,
    version: "quota-admin \(System.version)",
    subcommands: [
      Add.self, SetTerms.self, List.self, Show.self, Enable.self, Disable.self, Rename.self,
      Remove.self, Reset.self, GrantBytes.self, Grants.self, Revoke.self, Plans.self,
      Sessions.self, KickUser.self, SweepNow.self,
      Usage.self, Top.self, History.self, Events.self, HTMLReport.self, Metrics.self,
      BackUp.self, Restore.self, Export.self, Import.self,
      MenuCommand.self, Notify.self, Check.self,
      SetUp.self, TearDown.self,
    ])
}
