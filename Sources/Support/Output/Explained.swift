import Glibc
import System

/// An error a person can act on: one line of what happened, perhaps one of what to do.
package protocol Explained: Error {
  /// What happened: lower case, no full stop, the program's name not in it. Text that came from
  /// outside may be in it as it came; the code that prints it escapes it.
  var message: String { get }
  /// What would help, or nil.
  var hint: String? { get }
  /// How the program ends when this ends it.
  var exitStatus: ExitStatus { get }
}

extension Explained {
  /// No hint, unless the error has one.
  package var hint: String? { nil }
}

extension SystemError: Explained {
  package var message: String { description }

  package var hint: String? {
    switch code {
    case EACCES, EPERM: "run it as root, or as a member of the group openvpn-quota"
    case ENOSPC, EDQUOT: "make room on the disk; nothing that was committed is lost"
    default: nil
    }
  }

  package var exitStatus: ExitStatus {
    code == EACCES || code == EPERM ? .permission : .inputOutput
  }
}
