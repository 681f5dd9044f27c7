import Glibc
import OpenVPN
import System

/// Something that discovery found and cannot use.
package struct DiscoveryProblem: Equatable, Sendable, CustomStringConvertible {
  package let name: String
  /// Whether this is a server that failed, rather than one to warn about.
  package let isFailure: Bool
  package let description: String
  /// What mends it: the command to run, or the line to change.
  package let hint: String?
  /// Whether it is a pattern without a file, and so about no server at all.
  package private(set) var isNoMatch = false

  private init(_ name: String, isFailure: Bool = true, _ description: String, hint: String?) {
    self.name = name
    self.isFailure = isFailure
    self.description = description
    self.hint = hint
  }

  /// A file or a directory that cannot be read. The rights to a file are no business of ours unless
  /// it is a server's: another program's may hold a password.
  static func unreadable(_ error: SystemError, name: String, isServers: Bool) -> Self {
    Self(
      name, isFailure: isServers, printable(error.description.utf8),
      hint: isServers
        ? PermissionFix(for: error)?.command
        : "quota-admin check, run as root, says whether it is a server's config")
  }

  /// A config that cannot be used.
  static func config(_ error: ConfigError, name: String, isNamed: Bool) -> Self {
    switch error {
    case .unreadable(let cause, let ofServer):
      .unreadable(cause, name: name, isServers: ofServer || isNamed)
    case .mistake:
      Self(name, error.description, hint: "correct the line; OpenVPN cannot start with it either")
    }
  }

  /// Connecting and leaving would restart the server and drop every session (manage.c, tried). It must
  /// never be connected to.
  static func restarts(_ name: String, _ place: ConfigPlace) -> Self {
    Self(
      name, "\(place): with management-signal every sweep would restart the server",
      hint: "remove the management-signal line and restart the server")
  }

  /// It dials out, and exits when the other side hangs up (manage.c, tried).
  static func dialsOut(_ name: String, _ place: ConfigPlace) -> Self {
    Self(
      name, "\(place): with management-client the server exits when a sweep ends",
      hint: "remove the management-client line, so that the server listens, and restart the server")
  }

  /// A server without a `management` line: it may be meant to go without metering.
  static func noManagement(_ name: String, file: String) -> Self {
    Self(
      name, isFailure: false,
      "\(printable(file.utf8)): this server has no management line and is not metered",
      hint: "quota-admin setup \(printable(name.utf8)) adds all lines, or add: "
        + ServerConfig.managementLine(for: name))
  }

  /// Two configs have one management address: the server that starts later takes a unix socket over,
  /// and the earlier one runs on, out of reach (tried on 2.6).
  static func sharedAddress(
    _ name: String, place: ConfigPlace, address: ManagementEndpoint.Address, other: String
  ) -> Self {
    Self(
      name,
      "\(place): \(printable(other.utf8)) has the same management address, "
        + printable("\(address)".utf8),
      hint: "give each server an address of its own, as in: "
        + ServerConfig.managementLine(for: name))
  }

  /// A pattern of `OPENVPN_CONFIGS` matches no file: it may be meant for servers to come, unless it
  /// looks like a mistake.
  static func noMatch(pattern: String) -> Self {
    var problem = Self(
      "OPENVPN_CONFIGS", isFailure: pattern.contains { ",;\"'".contains($0) },
      "no file matches \(printable(pattern.utf8))",
      hint:
        "OPENVPN_CONFIGS has absolute paths with wildcards, separated by blanks, without commas "
        + "or quotes")
    problem.isNoMatch = true
    return problem
  }
}

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
