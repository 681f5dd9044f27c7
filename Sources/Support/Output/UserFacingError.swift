import Glibc
import System

/// An error a person can act on: one line of what happened, perhaps one of what to do.
package protocol UserFacingError: Error {
  /// What happened: lower case, no full stop, the program's name not in it. Text that came from
  /// outside may be in it as it came; the code that prints it escapes it.
  var message: String { get }
  /// What would help, or nil.
  var hint: String? { get }
  /// How the program ends when this ends it.
  var exitStatus: ExitStatus { get }
}

extension UserFacingError {
  /// No hint, unless the error has one.
  package var hint: String? { nil }
}

/// The account that everything of ours belongs to.
package enum Account {
  /// Its name, and that of its group.
  package static let name = "openvpn-quota"
}

extension SystemError: UserFacingError {
  package var message: String { description }

  package var hint: String? {
    switch code {
    case EACCES, EPERM:
      Privileges.name(of: geteuid()) == Account.name
        ? "quota-admin check, run as root, says what keeps the user \(Account.name) out"
        : "run it as root, or as the user \(Account.name)"
    case ENOSPC, EDQUOT: "make room on the disk; nothing that was committed is lost"
    default: nil
    }
  }

  package var exitStatus: ExitStatus {
    code == EACCES || code == EPERM ? .permission : .inputOutput
  }
}
