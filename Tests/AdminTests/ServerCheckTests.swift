import Glibc
import OpenVPN
import Quota
import Servers
import Support
import System
import TestSupport
import Testing

@testable import Admin

/// What `check` finds in a server's config.
@Suite struct `A server's config` {
  let folder: TemporaryDirectory
  let nobody = ProcessIdentity(name: "nobody", user: 65_534, groups: [65_534])
  /// Lines of a server that lacks nothing but hooks.
  private let server = "server 10.8.0.0 255.255.255.0\nscript-security 2\n"

  init() throws {
    folder = try TemporaryDirectory()
    #expect(unsafe chmod(folder.path, 0o755) == 0)
  }

  private func results(
    _ lines: String, management: String = "m.sock unix", sweeper: ProcessIdentity? = nil
  ) throws -> [CheckResult] {
    let file = try folder.write(
      server + "management \(management)\n\(lines)\n", to: "openvpn/udp.conf")
    var settings = Settings()
    settings.database = "\(folder.path)/state/quota.db"
    return ServerCheck(
      name: "udp", config: try ServerConfig(readingFile: file), settings: settings,
      sweeper: sweeper, hidden: []
    ).results()
  }

  /// A hook that may be run.
  private func hook(_ name: String = "hooks/quota-connect") throws -> String {
    try folder.write("", to: name, mode: 0o755)
  }

  private func line(_ directive: String, _ words: String) -> String {
    "quota-admin setup udp, which writes: \(directive) "
      + "\"\(ServerCheck.hooks)/quota-\(directive.dropFirst(7)) --server udp\(words)\""
  }

  @Test func `without a hook is told the path that is installed`() throws {
    let found = try results("")
    #expect(ServerCheck.hooks.hasSuffix("/debug") || ServerCheck.hooks.hasSuffix("/programs"))
    #expect(found.map(\.remedy) == [line("client-connect", ""), line("client-disconnect", "")])
    #expect(found.allSatisfy { $0.level == .error })
  }

  @Test(
    .enabled(if: geteuid() == 0, "only root may ask what another user may do"),
    arguments: [
      "/nonexistent/quota-connect", "/usr/libexec/openvpn-quota/quota-conect", "quota_connect",
      "../quota-connect",
    ])
  func `with a mistyped hook is told what is not there, and the right line`(program: String) throws
  {
    let found = try results("client-connect \"\(program) --config /q\"")
    let place = "\(folder.path)/openvpn/udp.conf:4"
    let path = resolvedPath(program, in: "\(folder.path)/openvpn")
    #expect(
      found.contains {
        $0.level == .error && $0.text.hasPrefix("\(place): there is no \(path)")
          && $0.remedy == line("client-connect", " --config /q")
      }, "\(found)")
  }

  @Test(arguments: [
    ("sudo -n", CheckResult.Level.error), ("/usr/bin/sudo -u x", .error),
    ("/usr/bin/env", .warning),
    ("/bin/sh", .warning),
  ])
  func `with a hook behind another program is told to leave that out`(
    wrapper: String, level: CheckResult.Level
  ) throws {
    let found = try results("client-connect \"\(wrapper) \(hook()) --then /x\"")
    #expect(
      found.contains { result in
        result.level == level && result.text.contains("starts our hook")
          && result.remedy == line("client-connect", " --then /x")
      }, "\(found)")
  }

  @Test func `is told of a shell that starts the hook`() throws {
    let found = try results("client-connect \"/bin/sh -c 'exec \(hook()) x'\"")
    #expect(found.contains { $0.level == .warning && $0.text.contains("/bin/sh starts our hook") })
  }

  @Test(
    .enabled(if: geteuid() == 0, "only root may ask what another user may do"),
    arguments: [
      ("/x via-env", nil, nil), ("HOOK via-env", "nobody can log in", nil),
      ("\"HOOK --then\" via-env", "nobody can log in", nil),
      ("\"HOOK --then /bin/true\" via-file", nil, nil),
      ("\"HOOK --then /bin/nonexistent\" via-file", "there is no /bin/nonexistent", nil),
      ("\"HOOK --server x --then /bin/true\" via-file", "the hook calls the server x", nil),
      ("\"HOOK --then /bin/true\" via-file", "is not told", "duplicate-cn"),
      ("\"HOOK --duplicate-cn --then /bin/true\" via-file", nil, "duplicate-cn"),
      ("\"HOOK --username-as-common-name --then /bin/true\" via-env", "is not told", nil),
    ] as [(String, String?, String?)])
  func `may have our hook at logins, before a program that checks passwords`(
    line: String, problem: String?, other: String?
  ) throws {
    let value = line.replacing("HOOK", with: try hook())
    let found = try results("\(other ?? "")\nauth-user-pass-verify \(value)")
      .filter { $0.text.contains("udp.conf:5: ") }
    #expect(found.count == (problem == nil ? 0 : 1), "\(found)")
    #expect(found.allSatisfy { $0.text.contains(problem ?? "") && $0.remedy != nil })
  }

  @Test(.enabled(if: geteuid() == 0, "only root may ask what another user may do"))
  func `finds the script behind a hook as OpenVPN would`() throws {
    try folder.write("", to: "openvpn/here.sh", mode: 0o755)
    try folder.write("", to: "openvpn/closed.sh", mode: 0o644)
    func told(_ script: String) throws -> [String] {
      try results("client-connect \"\(hook()) --then \(script)\"").map(\.text)
        .filter { $0.hasPrefix("\(folder.path)/openvpn/udp.conf:4: ") }
    }
    #expect(try told("here.sh x").isEmpty)
    #expect(try told("\(folder.path)/openvpn/here.sh").isEmpty)
    #expect(
      try told("gone.sh").first?.hasSuffix(
        "there is no \(folder.path)/openvpn/gone.sh, which the hook has to run") == true)
    #expect(
      try told("closed.sh").first?.hasSuffix("may not run \(folder.path)/openvpn/closed.sh") == true
    )
    #expect(try told("").first?.hasSuffix(": --then wants a program") == true)
  }

  @Test(.enabled(if: geteuid() == 0, "only root may ask what another user may do"))
  func `with a chroot is told what hooks do not find in it`() throws {
    let jail = "\(folder.path)/jail"
    try folder.write("", to: "state/access")
    try folder.write("", to: "state/journal", mode: 0o666)
    let lines =
      "chroot \(jail)\nclient-connect /h/quota-connect\nclient-disconnect /h/quota-connect"
    let found = try results(lines)
    #expect(
      found.contains {
        $0.text.hasSuffix("there is no \(jail)/h/quota-connect, so that nobody can come in")
      })
    let state = "\(folder.path)/state"
    #expect(
      found.contains {
        $0.text.hasSuffix("in this chroot hooks do not find \(state)/access, \(state)/journal")
          && $0.remedy == "mount --bind \(state) \(jail)\(state)"
      }, "\(found)")
    // A hard link is the same file in both places, as a mount is.
    _ = try hook("jail/h/quota-connect")
    for name in ["access", "journal"] {
      try folder.write("", to: "jail\(state)/\(name)")
      try remove("\(jail)\(state)/\(name)")
      try link("\(state)/\(name)", to: "\(jail)\(state)/\(name)")
    }
    #expect(try results(lines).map(\.level) == [.ok])
  }

  @Test func `with management on TCP is told who may speak there`() throws {
    let open = try results("", management: "127.0.0.1 7505")
    #expect(
      open.contains {
        $0.level == .warning && $0.text.hasSuffix("every local user can command the server")
          && $0.remedy == "management /run/openvpn-quota/udp.sock unix, and restart the server"
      }, "\(open)")
  }

  @Test func `with another name than the sweep's is told the option that mends it`() throws {
    let found = try results("client-connect \"\(hook()) --server tcp\"")
    #expect(
      found.contains {
        $0.level == .warning && $0.text.hasSuffix("the hook calls the server tcp, the sweep udp")
          && $0.remedy == line("client-connect", "")
      }, "\(found)")
  }

  @Test(.enabled(if: getuid() == 0, "only root can ask what others may do"))
  func `is closed to the sweep by what its user may not read`() throws {
    try folder.write("client-disconnect /x\n", to: "openvpn/more.inc", mode: 0o600)
    try folder.write("secret\n", to: "openvpn/pw", mode: 0o600)
    try folder.write("", to: "openvpn/m.sock", mode: 0o666)
    func told(_ lines: String) throws -> CheckResult? {
      try results(lines, sweeper: nobody).first { $0.text.contains("is closed to nobody") }
    }
    let (include, password) = ("\(folder.path)/openvpn/more.inc", "\(folder.path)/openvpn/pw")
    #expect(try told("") == nil)
    #expect(try told("config more.inc")?.remedy == "setfacl -m u:nobody:r \(include)")
    #expect(try told("management m.sock unix pw")?.remedy == "setfacl -m u:nobody:r \(password)")
    #expect(unsafe chmod("\(folder.path)/openvpn", 0o700) == 0)
    #expect(try told("")?.level == .error)
    #expect(try told("")?.remedy == "setfacl -m u:nobody:rx \(folder.path)/openvpn")
  }

  @Test(arguments: [("user", "root", true), ("user", "nobody", false), ("group", "daemon", true)])
  func `that lets only one user connect has to name the sweep's`(
    kind: String, name: String, isToldOf: Bool
  ) throws {
    let found = try results("management-client-\(kind) \(name)", sweeper: nobody)
    let isTold = found.contains {
      $0.level == .error && $0.text.contains("only the \(kind) \(name) may connect")
    }
    #expect(isTold == isToldOf, "\(found)")
  }
}

/// What `check` says of the names that a server's clients have.
@Suite struct `Clients' names` {
  private let place = "/etc/openvpn/udp.conf"

  /// What is told of a config with these lines.
  private func told(
    _ lines: String, _ identifyBy: IdentifyBy, _ unknownUsers: UnknownUsers = .allow,
    _ names: Names = .exact
  ) throws -> [CheckResult] {
    let config = try ServerConfig(file: place) { _ throws(SystemError) in
      Array("mode server\nscript-security 2\nmanagement m unix\n\(lines)\n".utf8)
    }
    var settings = Settings()
    settings.identifyBy = identifyBy
    settings.unknownUsers = unknownUsers
    settings.names = names
    return ServerCheck(name: "udp", config: config, settings: settings, sweeper: nil).results()
      .filter { $0.text.contains("UNDEF") || $0.text.contains("NAMES=") }
  }

  @Test(
    arguments: [
      ("", .commonName, nil), ("", .auto, nil),
      ("plugin x.so\nverify-client-cert none", .auto, nil),
      ("", .username, .error), ("plugin x.so\nverify-client-cert none", .commonName, .error),
      ("plugin x.so\nverify-client-cert none\nusername-as-common-name", .commonName, nil),
      ("plugin x.so\nverify-client-cert optional", .commonName, .warning),
      ("plugin x.so\nverify-client-cert none\nauth-user-pass-optional", .auto, .warning),
    ] as [(String, IdentifyBy, CheckResult.Level?)])
  func `are told of where some or all have none`(
    lines: String, identifyBy: IdentifyBy, level: CheckResult.Level?
  ) throws {
    let found = try told(lines, identifyBy, .allow, .fold)
    #expect(found.map(\.level) == (level.map { [$0] } ?? []), "\(found)")
    // Who has no name stays out with all strangers.
    let closed = try told(lines, identifyBy, .reject, .fold)
    #expect(closed.isEmpty == (level != .error))
  }

  @Test(
    arguments: [
      ("auth-user-pass-verify /x via-env\nusername-as-common-name", .commonName, true),
      ("plugin ldap.so\nverify-client-cert none", .auto, true), ("plugin ldap.so", .username, true),
      ("plugin ldap.so", .auto, false), ("username-as-common-name", .auto, false),
    ] as [(String, IdentifyBy, Bool)])
  func `that a program checks had better be folded`(
    lines: String, identifyBy: IdentifyBy, isRecommended: Bool
  ) throws {
    let found = try told(lines, identifyBy).filter { $0.remedy == "NAMES=fold in quota.conf" }
    #expect(found.count == (isRecommended ? 1 : 0))
    #expect(try told(lines, identifyBy, .allow, .fold).allSatisfy { !$0.text.contains("NAMES=") })
    #expect(try told(lines, identifyBy, .reject).allSatisfy { !$0.text.contains("NAMES=") })
  }
}

/// What `check` says of a server that does not answer.
@Suite struct `Silence` {
  private func silence(_ config: String, isActive: Bool?) -> CheckResult {
    SweepCheck.silence(
      of: "udp", at: "unix:/run/x", OpenVPNUnit(config: config, systemdRuns: true),
      isActive: isActive)
  }

  @Test(
    arguments: [
      ("/etc/openvpn/server/udp.conf", "openvpn-server@udp"),
      ("/etc/openvpn/udp.conf", "openvpn@udp"),
    ])
  func `of a unit that runs is mended by a restart, of another by a start`(
    config: String, unit: String
  ) throws {
    let running = silence(config, isActive: true)
    #expect(running.level == .error && running.remedy == "systemctl restart \(unit)")
    #expect(
      running.text
        == "it runs, and nothing listens at unix:/run/x: its config was changed since it started")
    let stopped = silence(config, isActive: false)
    #expect(stopped.level == .warning && stopped.remedy == "systemctl start \(unit)")
  }

  @Test func `of a server that no unit is known of is told without systemctl`() throws {
    let unknown = silence("/srv/vpn/udp.conf", isActive: nil)
    #expect(unknown.level == .warning && unknown.remedy == "restart the server udp")
    #expect(OpenVPNUnit(config: "/etc/openvpn/udp.conf", systemdRuns: false).name == nil)
  }
}
