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

/// Why a conversation with a management interface came to nothing.
///
/// The description completes `server NAME: …`; text from the peer in it is made safe to print.
package enum ManagementFailure: Error, Equatable, Sendable, CustomStringConvertible {
  /// What the session was waiting for.
  package enum Step: Sendable {
    case greeting
    case password
    case listing
    case reply
    /// For nothing: no command was outstanding.
    case idle
  }

  /// Connected, and not one byte came. OpenVPN serves one management client at a time; the next
  /// one waits in the listen queue in silence (manage.c, `listen(sd, 1)`). A hook that does not
  /// end looks the same from here.
  case busy
  /// It asks for a password and none is configured.
  case passwordNeeded
  /// It asked again after our password. There is no second try: the third would cost the line.
  case wrongPassword
  /// It waits for `hold release` (`management-hold`) and has no sessions yet.
  case held
  /// It restarts its sessions (SIGUSR1, SIGHUP) and did not come back in time. All of them have
  /// ended.
  case restarting
  /// Its listing is longer than any server's, in bytes.
  case listingTooLong(limit: Int)
  /// It hung up before its first byte, as it does on a user that `management-client-user` or
  /// `management-client-group` keeps out (manage.c, `man_verify_unix_peer_uid_gid`).
  case turnedAway
  /// It hung up in the middle.
  case cutOff(Step)
  /// It began, or had been ready, and did not finish in time.
  case timedOut(Step)
  /// What came is not the management protocol; the start of it for the message.
  case garbage(String)
  /// It answered a command with `ERROR:`.
  case refused(command: String, text: String)

  package var description: String {
    switch self {
    case .busy:
      "no greeting: another program holds its management interface, or a hook holds OpenVPN up"
    case .passwordNeeded: "its management interface asks for a password and none is configured"
    case .wrongPassword: "its management interface does not accept the password"
    case .held: "it is waiting for a hold release and has not started"
    case .restarting: "it is restarting its sessions"
    case .listingTooLong(let limit): "its listing is longer than \(limit >> 20) MiB"
    case .turnedAway: "it closed the management connection without a greeting"
    case .cutOff(.idle): "it closed the management connection between two commands"
    case .cutOff(let step): "it closed the management connection before \(step.answer) was here"
    case .timedOut(let step): "\(step.answer) did not come in time"
    case .garbage(let sample): "this is no management interface, it says: \(sample)"
    case .refused(let command, let text): "it turned down \(command): \(text)"
    }
  }

  /// What mends it, where that is known: one line.
  package var hint: String? {
    switch self {
    case .busy: "OpenVPN serves one management client at a time: end the other one"
    case .passwordNeeded:
      "add ,password-file=PATH to its entry in MANAGEMENT, or the file to its management line"
    case .wrongPassword: "the first line of the password file must be the one OpenVPN started with"
    case .held: "remove management-hold from its config, or send it: hold release"
    case .turnedAway:
      "remove management-client-user and management-client-group from its config, "
        + "or run this as that user"
    case .garbage: "MANAGEMENT must name the address of a management line"
    case .cutOff, .timedOut, .refused, .restarting, .listingTooLong: nil
    }
  }
}

extension ManagementFailure.Step {
  /// What was to come, for an error message.
  fileprivate var answer: String {
    switch self {
    case .greeting: "the whole greeting"
    case .password: "the answer to the password"
    case .listing: "the whole listing"
    case .reply: "the answer to a kill"
    case .idle: "the next command"
    }
  }
}
