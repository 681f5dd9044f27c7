import Glibc
import OpenVPN
import System

/// The command that lets a user read what they could not.
package struct PermissionFix {
  package let command: String

  /// Lets this process's user past what is in the way: the file, or the first directory above it that
  /// cannot be entered.
  ///
  /// - Returns: nil if the error is not one of permission.
  init?(for error: SystemError) {
    guard error.code == EACCES || error.code == EPERM else { return nil }
    let closed = directories(above: error.subject).first { unsafe access($0, X_OK) != 0 }
    self.init(opening: closed ?? error.subject, to: geteuid(), mainGroup: getegid())
  }

  /// Joins a group that may read a file or a directory already, or else opens it to this user alone.
  ///
  /// - Returns: nil for what is not there.
  package init?(opening path: String, to user: uid_t, mainGroup: gid_t) {
    guard let status = try? FileStatus(of: path) else { return nil }
    let isDirectory = status.kind == .directory
    let name = Privileges.name(of: user) ?? "\(user)"
    let bits: UInt32 = isDirectory ? 0o050 : 0o040
    // Who is in the group already has it at the next start.
    let isMember = Privileges.groups(of: user, besides: mainGroup).contains(status.group)
    if status.mode & bits == bits, status.group != 0, !isMember,
      let entry = unsafe getgrgid(status.group)
    {
      command = "usermod -aG \(unsafe String(cString: entry.pointee.gr_name)) \(name)"
    } else {
      command = "setfacl -m u:\(name):\(isDirectory ? "rx" : "r") \(shellWord(path))"
    }
  }
}
