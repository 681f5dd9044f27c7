import Glibc
import System

/// Somebody that a program runs as, and what files let him do.
///
/// Everything is reckoned from owners and permission bits, so that root can ask for others. Access
/// lists (`setfacl`) are not seen: what one allows may be reported as missing.
struct Person: Equatable {
  /// What to call him in a message: `user openvpn-quota`, `nobody with group nogroup`.
  let name: String
  let user: uid_t
  let groups: [gid_t]

  static let root = Person(name: "root", user: 0, groups: [0])

  /// A user with the groups that he has by the system's files; nil if there is none of that name.
  init?(named name: String) {
    guard let entry = unsafe getpwnam(name) else { return nil }
    let group = unsafe entry.pointee.pw_gid
    var count: Int32 = 64
    var groups = [gid_t](repeating: 0, count: Int(count))
    guard unsafe getgrouplist(name, group, &groups, &count) >= 0 else { return nil }
    self.init(
      name: name, user: unsafe entry.pointee.pw_uid, groups: Array(groups.prefix(Int(count))))
  }

  /// Whom a server's hooks run as: OpenVPN keeps no group but the one that it is told
  /// (`platform_user_group_set`, platform.c), and that of root where it is told none.
  init?(user: String?, group: String?) {
    guard let user, user != "root" else {
      self = .root
      return
    }
    guard let entry = unsafe getpwnam(user) else { return nil }
    var gid: gid_t = 0
    if let group {
      guard let found = unsafe getgrnam(group) else { return nil }
      gid = unsafe found.pointee.gr_gid
    }
    let name = group.map { "\(user) with group \($0)" } ?? user
    self.init(name: name, user: unsafe entry.pointee.pw_uid, groups: [gid])
  }

  init(name: String, user: uid_t, groups: [gid_t]) {
    self.name = name
    self.user = user
    self.groups = groups
  }

  /// Whether he has all of the rights `rwx` to a file, given as in `access(2)`. Root has them as the
  /// units leave him his override, but runs only what somebody may run.
  func may(_ rights: Int32, _ status: FileStatus) -> Bool {
    let mode = Int32(status.mode)
    if user == 0 { return rights & X_OK == 0 || status.kind == .directory || mode & 0o111 != 0 }
    let granted =
      status.owner == user ? mode >> 6 : groups.contains(status.group) ? mode >> 3 : mode
    return granted & rights == rights
  }

  /// What keeps him from a file that is there: the topmost directory that he may not enter, or the
  /// file itself; nil if nothing does.
  func obstacle(to path: String, _ rights: Int32) throws(SystemError) -> String? {
    var folders: [String] = []
    var folder = directory(of: path)
    while folder != "/", folder != "." {
      folders.insert(folder, at: 0)
      folder = directory(of: folder)
    }
    for folder in folders {
      if !may(X_OK, try FileStatus(of: folder)) { return folder }
    }
    return may(rights, try FileStatus(of: path)) ? nil : path
  }
}
