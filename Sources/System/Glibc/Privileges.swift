import CSystem
import Glibc

/// What this process may do, and how it gives that up.
package enum Privileges {
  package static var isRoot: Bool { geteuid() == 0 }

  /// Gives up root for good: becomes another user, with the groups that the system's files give that
  /// user, and this group as the first. Does nothing where the process is not root, or where the
  /// user is root.
  ///
  /// Done by `setgroups`, `setgid` and `setuid`, which for root set the real, the effective and the
  /// saved id. Capabilities go with them.
  ///
  /// - Parameter keepsNetworkAdmin: whether `CAP_NET_ADMIN` stays, for this process and those that it
  ///   runs.
  /// - Throws: `SystemError`; the process may be half way then, and has to end.
  package static func become(
    user: uid_t, group: gid_t, keepsNetworkAdmin: Bool = false
  ) throws(SystemError) {
    guard isRoot, user != 0 else { return }
    let subject = "the user \(name(of: user) ?? "\(user)")"
    if keepsNetworkAdmin, cs_keep_capabilities() != 0 { throw SystemError("become", subject) }
    let groups = [group] + groups(of: user, besides: group).filter { $0 != group }
    guard hasBecome(user: user, groups: groups) else {
      throw SystemError("become", subject)
    }
    // A container may have taken it away: then nft says so.
    if keepsNetworkAdmin { _ = cs_keep_network_admin() }
    precondition(setuid(0) != 0, "root came back")
  }

  /// Becomes another user with these groups and no others, of which the first is the main one.
  ///
  /// - Returns: whether that worked; else `errno` says why not.
  package static func hasBecome(user: uid_t, groups: [gid_t]) -> Bool {
    unsafe setgroups(groups.count, groups) == 0 && setgid(groups.first ?? 0) == 0
      && setuid(user) == 0
  }

  package static func name(of user: uid_t) -> String? {
    guard let entry = unsafe getpwuid(user) else { return nil }
    return unsafe String(cString: entry.pointee.pw_name)
  }

  /// The groups of a user by the system's files; of one that has no name only the given group.
  package static func groups(of user: uid_t, besides group: gid_t) -> [gid_t] {
    guard let name = name(of: user) else { return [group] }
    var count: Int32 = 256
    var groups = [gid_t](repeating: 0, count: Int(count))
    guard unsafe getgrouplist(name, group, &groups, &count) >= 0 else { return [group] }
    return Array(groups.prefix(Int(count)))
  }
}

extension FileStatus {
  /// Whether only root and the user of this process may change what is in this directory.
  package var isClosedToOthers: Bool { isOfRootOrUs && mode & 0o022 == 0 }

  /// Whether others may write here, but the sticky bit keeps them from what is not theirs.
  fileprivate var isSticky: Bool { isOfRootOrUs && mode & 0o1000 != 0 }

  private var isOfRootOrUs: Bool { owner == 0 || owner == geteuid() }
}

/// A directory on the way to a file in which others could put something else in the place of what leads
/// there; nil where only root and the user of this process can. `/tmp` may be on the way.
///
/// - Parameter path: absolute and without links, as `canonicalPath(of:)` gives it.
package func directoryOpenToOthers(above path: String) throws(SystemError) -> String? {
  var folder = directory(of: path)
  guard try FileStatus(of: folder).isClosedToOthers else { return folder }
  while folder != "/" {
    folder = directory(of: folder)
    let status = try FileStatus(of: folder)
    guard status.isClosedToOthers || status.isSticky else { return folder }
  }
  return nil
}
