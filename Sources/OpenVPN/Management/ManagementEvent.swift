/// What came out of a conversation with a management interface.
package enum ManagementEvent: Sendable {
  /// The greeting is here; `version` is the management interface's number: 1 in OpenVPN 2.3 and
  /// 2.4, 3 in 2.5, 5 in 2.6, 6 in 2.7 (MANAGEMENT_VERSION, manage.h). 0 where it gave none.
  case ready(version: Int)
  /// The answer to `ManagementCommand.listing`, its process id included.
  case listing(StatusListing)
  /// The answer to one of the kill commands.
  case reply(ManagementReply)
  /// The conversation is over. Nothing comes after this.
  case failed(ManagementFailure)
}

/// The one-line answer to a command.
package struct ManagementReply: Equatable, Sendable {
  /// The command this is the answer to.
  package let command: ManagementCommand
  /// Whether it began with `SUCCESS:` rather than `ERROR:`.
  package let succeeded: Bool
  /// The rest of the line, made safe to print.
  package let text: String
}
