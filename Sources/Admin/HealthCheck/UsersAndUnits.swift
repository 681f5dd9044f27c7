import Glibc
import System

/// What a program runs as, and what the files let it do.
///
/// The kernel is asked, by a child that becomes that user, so that access lists (`setfacl`), mounts
/// and every directory on the way count. Only root can become another user.
struct ProcessIdentity: Equatable {
  /// What to call it in a message: `user openvpn-quota`, `nobody with group nogroup`.
  let name: String
  let user: uid_t
  let groups: [gid_t]

  static let root = ProcessIdentity(name: "root", user: 0, groups: [0])

  /// A user with the groups of the system's files; nil if there is no user of that name.
  init?(named name: String) {
    guard let entry = unsafe getpwnam(name) else { return nil }
    let (user, group) = unsafe (entry.pointee.pw_uid, entry.pointee.pw_gid)
    self.init(name: name, user: user, groups: Privileges.groups(of: user, besides: group))
  }

  /// What a server's hooks run as: OpenVPN keeps no group but the one that it is told
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

  /// Whether this process can find out what this user may do.
  var canBeAsked: Bool { Privileges.isRoot || user == geteuid() }

  /// What keeps it from a file, as far as that can be found out; nil for one that is not there, too.
  func knownObstacle(to path: String, _ rights: Int32) -> String? {
    (try? obstacle(to: path, rights)) ?? nil
  }

  /// What keeps it from a file that is there: the topmost directory that it may not enter, or the
  /// file itself; nil if nothing does, or where the kernel cannot be asked.
  ///
  /// - Parameter rights: as for `access(2)`.
  /// - Throws: `SystemError` for what is not there.
  func obstacle(to path: String, _ rights: Int32) throws(SystemError) -> String? {
    guard canBeAsked else { return nil }
    for (path, rights) in directories(above: path).map({ ($0, X_OK) }) + [(path, rights)] {
      switch try code(of: path, rights) {
      case 0: continue
      case EACCES, EPERM, EROFS: return path
      case let code: throw SystemError("look at", path, code: code)
      }
    }
    return nil
  }

  /// 0, or the error of `access(2)` as this user has it.
  private func code(of path: String, _ rights: Int32) throws(SystemError) -> Int32 {
    let ask = { unsafe access(path, rights) == 0 ? 0 : errno }
    if user == geteuid() { return ask() }
    return try inChild {
      // An error of access(2) that has no number of its own.
      Privileges.hasBecome(user: user, groups: groups) ? ask() : EIO
    }
  }
}

enum Systemd {
  static var isRunning: Bool { (try? FileStatus(of: "/run/systemd/system")) != nil }

  static var sweepCommand: String {
    isRunning ? "systemctl start quota-sweep" : "quota-sweep --verbose"
  }

  static func properties(of unit: String, _ names: [String]) -> [String: String] {
    let command = ["systemctl", "show", "--property", names.joined(separator: ","), unit]
    guard let output = try? System.output(of: command) else { return [:] }
    var values: [String: String] = [:]
    for line in String(decoding: output, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
    }
    return values
  }
}

/// What starts an OpenVPN server: its packages have a systemd unit for each of two places of configs.
struct OpenVPNUnit {
  /// Its name, such as `openvpn-server@udp`; nil where we know of none.
  let name: String?
  private let server: String

  /// - Parameter systemdRuns: whether there are units at all.
  init(config: String, systemdRuns: Bool = Systemd.isRunning) {
    server = fileStem(of: config)
    switch directory(of: config) {
    case "/etc/openvpn/server" where systemdRuns: name = "openvpn-server@\(server)"
    case "/etc/openvpn" where systemdRuns: name = "openvpn@\(server)"
    default: name = nil
    }
  }

  var isActive: Bool? {
    name.map { Systemd.properties(of: $0, ["ActiveState"])["ActiveState"] == "active" }
  }

  /// The command that starts or restarts it, or what to do in words.
  func command(_ verb: String) -> String {
    name.map { "systemctl \(verb) \($0)" } ?? "\(verb) the server \(server)"
  }
}
