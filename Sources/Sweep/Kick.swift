import Ledger
import OpenVPN

/// An administrator's wish to disconnect somebody now, whether he may stay or not.
package struct Kick {
  /// Whose sessions are to end.
  package let user: UserName
  /// What each client is sent, as `KILL_MESSAGE` has it.
  package let message: [UInt8]

  /// - Throws: `UnsendableText` for a message that a server does not take.
  package init(user: UserName, message: [UInt8]) throws(UnsendableText) {
    _ = try ManagementCommand.clientKill(0, message: message)
    self.user = user
    self.message = message
  }
}
