import Glibc
import OpenVPN
import System

/// The command that lets this process read what it could not.
struct PermissionFix {
  let command: String

  /// Finds out what is in the way: the file, or the first directory above it that cannot be
  /// entered.
  ///
  /// - Returns: nil if the error is not one of permission.
  init?(for error: SystemError) {
    guard error.code == EACCES || error.code == EPERM else { return nil }
    let closed = Self.parents(of: error.subject).first { unsafe access($0, X_OK) != 0 }
    let subject = closed ?? error.subject
    var status = stat()
    guard unsafe stat(subject, &status) == 0 else { return nil }
    let isDirectory = status.st_mode & S_IFMT == S_IFDIR
    let bits = isDirectory ? S_IRGRP | S_IXGRP : S_IRGRP
    let isOpenToGroup =
      status.st_mode & bits == bits && status.st_gid != 0 && !Self.isMember(of: status.st_gid)
    self.init(
      path: subject, isDirectory: isDirectory, user: Self.userName(),
      groupThatMay: isOpenToGroup ? Self.group(status.st_gid) : nil)
  }

  /// Joins a group that may read the path already, or else opens the path to this user alone.
  init(path: String, isDirectory: Bool, user: String, groupThatMay group: String?) {
    if let group {
      command = "usermod -aG \(group) \(user)"
    } else {
      command = "setfacl -m u:\(user):\(isDirectory ? "rx" : "r") \(Self.quoted(path))"
    }
  }

  /// The directories above a path, the topmost first.
  static func parents(of path: String) -> [String] {
    var above: [String] = []
    var directory = Path.directory(of: path)
    while directory != "/", directory != "." {
      above.insert(directory, at: 0)
      directory = Path.directory(of: directory)
    }
    return above
  }

  /// A path as a shell takes it.
  static func quoted(_ path: String) -> String {
    let isPlain = path.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "@"):
        true
      default: false
      }
    }
    if isPlain { return path }
    return "'"
      + path.split(separator: "'", omittingEmptySubsequences: false)
      .map { printable($0.utf8) }.joined(separator: "'\\''") + "'"
  }

  /// Whether this process has a group already, or its user would have it at the next start.
  private static func isMember(of group: gid_t) -> Bool {
    Privileges.groups(of: geteuid(), besides: getegid()).contains(group)
  }

  private static func userName() -> String {
    let id = geteuid()
    guard let entry = unsafe getpwuid(id) else { return String(id) }
    return unsafe String(cString: entry.pointee.pw_name)
  }

  private static func group(_ id: gid_t) -> String? {
    guard let entry = unsafe getgrgid(id) else { return nil }
    return unsafe String(cString: entry.pointee.gr_name)
  }
}
