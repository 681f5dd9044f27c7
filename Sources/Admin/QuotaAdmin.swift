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
    groupedSubcommands: [
      CommandGroup(
        name: "User",
        subcommands: [
          Add.self, Enable.self, Disable.self, Rename.self, Remove.self, Export.self, Import.self,
        ]),
      CommandGroup(
        name: "Quota",
        subcommands: [
          SetTerms.self, Reset.self, GrantBytes.self, Grants.self, Revoke.self, Plans.self,
        ]),
      CommandGroup(
        name: "Report",
        subcommands: [
          List.self, Show.self, Sessions.self, Usage.self, Top.self, History.self, Events.self,
          HTMLReport.self, Metrics.self, Link.self,
        ]),
      CommandGroup(
        name: "Maintenance",
        subcommands: [
          SetUp.self, TearDown.self, Check.self, SweepNow.self, KickUser.self, Notify.self,
          Pages.self,
          BackUp.self, Restore.self, MenuCommand.self,
        ]),
    ])
}
