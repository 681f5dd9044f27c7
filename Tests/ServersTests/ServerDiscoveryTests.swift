import Glibc
import OpenVPN
import System
import TestSupport
import Testing

@testable import Servers

private let serverLine = "server 10.8.0.0 255.255.255.0\n"

@Suite struct `Server discovery` {
  @Test func `finds servers and passes over clients and other files`() throws {
    let folder = try TemporaryDirectory()
    try folder.write(serverLine + "management /run/b.sock unix", to: "b.conf")
    try folder.write(serverLine + "management 127.0.0.1 7505 pw", to: "a.conf")
    try folder.write("client\nmanagement tunnel 1", to: "client.conf")
    try folder.write(serverLine + "management /run/h.sock unix", to: ".hidden.conf")
    try folder.write("nonsense \"", to: "b.conf.bak")
    let found = ServerDiscovery(
      patterns: ["\(folder.path)/*.conf", "/nonexistent/*.conf"], areDefault: true)
    #expect(found.problems.isEmpty)
    #expect(found.endpoints.map(\.name) == ["a", "b"])
    #expect(
      found.endpoints.map(\.address) == [
        .tcp(host: "127.0.0.1", port: 7505), .unix("/run/b.sock"),
      ])
    #expect(found.endpoints[0].passwordFile == folder.path + "/pw")
    #expect(found.endpoints[1].config?.file == folder.path + "/b.conf")
  }

  @Test func `names two of one stem after their directories`() throws {
    let folder = try TemporaryDirectory()
    try folder.write(serverLine + "management /run/1 unix", to: "server/udp.conf")
    try folder.write(serverLine + "management /run/2 unix", to: "old/udp.conf")
    try folder.write(serverLine + "management /run/3 unix", to: "old/tcp.conf")
    let found = ServerDiscovery(
      patterns: ["server", "old", "old"].map { "\(folder.path)/\($0)/*.conf" })
    #expect(found.problems.isEmpty)
    #expect(found.endpoints.map(\.name) == ["server/udp", "tcp", "old/udp"])
    #expect(
      ServerDiscovery.names(of: ["/a/x/s.conf", "/b/x/s.conf", "/b/y/s.conf", "/b/t.conf"])
        == ["/a/x/s.conf", "/b/x/s.conf", "y/s", "t"])
  }

  @Test func `follows wildcards in directories`() throws {
    let folder = try TemporaryDirectory()
    try folder.write(serverLine + "management /run/1 unix", to: "x1/server.conf")
    try folder.write(serverLine + "management /run/2 unix", to: "x2/server.conf")
    try folder.write("", to: "y/server.conf")
    let found = ServerDiscovery(patterns: ["\(folder.path)/x[0-9]/server.conf"])
    #expect(found.endpoints.map(\.name) == ["x1/server", "x2/server"])
  }

  @Test(arguments: ["management-signal", "management-client"])
  func `never gives a server that a visit would stop`(directive: String) throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write(
      serverLine + "management /run/x unix\n" + directive, to: "s.conf")
    let found = ServerDiscovery(patterns: [file])
    #expect(found.endpoints.isEmpty)
    let problem = try #require(found.problems.first)
    #expect(problem.isFailure)
    #expect(problem.name == "s")
    #expect(problem.description.hasPrefix("\(file):3: with \(directive) "))
    #expect(problem.hint?.contains("remove the \(directive) line") == true)
  }

  @Test func `warns of a server without a management line`() throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write(serverLine, to: "bare.conf")
    let found = ServerDiscovery(patterns: [file])
    #expect(found.problems == [.noManagement("bare", file: file)])
    #expect(found.problems.first?.isFailure == false)
    #expect(
      found.problems.first?.hint?.hasSuffix("management /run/openvpn-quota/bare.sock unix") == true)
  }

  @Test func `tells of a config with a mistake and of a missing file`() throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write(serverLine + "user \"nobody", to: "s.conf")
    let found = ServerDiscovery(patterns: [file, "\(folder.path)/none.conf"])
    #expect(
      found.problems.map(\.description) == [
        "\(file):2: a quotation is not closed",
        "cannot open \(folder.path)/none.conf: No such file or directory",
      ])
    #expect(found.problems.allSatisfy { $0.isFailure })
  }
}

@Suite struct `Files of other programs beside` {
  // As plugins and other programs have them; OpenVPN would not start with any of them.
  @Test(
    arguments: [
      "<LDAP>\n  URL ldap://directory\n  Password \"it's \\ secret\n</LDAP>\n",
      "server=10.0.0.1\nsharedsecret=\"open\n", "[Unit]\nDescription=it's \\d\n",
      "config /nonexistent/other.conf\nclient\n", "\u{0}\u{1}\"",
    ])
  func `are passed over, whatever stands in them`(text: String) throws {
    let folder = try TemporaryDirectory()
    try folder.write(serverLine + "management /run/1 unix", to: "udp.conf")
    try folder.write(text, to: "other.conf")
    let found = ServerDiscovery(patterns: ["\(folder.path)/*.conf"])
    #expect(found.endpoints.map(\.name) == ["udp"])
    #expect(found.problems.isEmpty)
  }

  @Test(
    arguments: [
      (serverLine + "user \"nobody", ":2: a quotation"), ("server \"10.8.0.0", ":1: a quotation"),
      ("user \"x\n" + serverLine, ":1: a quotation"), (serverLine + "<ca>\n", ":2: this block"),
    ])
  func `are none where a line makes them a server's`(text: String, mistake: String) throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write(text, to: "udp.conf")
    let found = ServerDiscovery(patterns: ["\(folder.path)/*.conf"])
    #expect(found.problems.first?.description.hasPrefix(file + mistake) == true)
    #expect(found.problems.first?.isFailure == true)
  }

  @Test func `that cannot be read are told of, and opened to nobody`() throws {
    let closed = SystemError("open", "/etc/openvpn/ldap.conf", code: EACCES)
    let problem = DiscoveryProblem.config(
      .unreadable(closed, ofServer: false), name: "ldap", isNamed: false)
    #expect(!problem.isFailure)
    #expect(problem.hint == "quota-admin check, run as root, says whether it is a server's config")
  }

  @Test func `are the server's where its config includes them, or the settings name them`() throws {
    let folder = try TemporaryDirectory()
    let named = try folder.write(serverLine + "config gone.conf\n", to: "udp.conf")
    let found = ServerDiscovery(patterns: ["\(folder.path)/*.conf"])
    #expect(
      found.problems.map(\.description) == [
        "cannot open \(folder.path)/gone.conf: No such file or directory"
      ])
    #expect(found.problems.first?.isFailure == true)
    let closed = SystemError("open", named, code: EACCES)
    let problem = DiscoveryProblem.config(
      .unreadable(closed, ofServer: false), name: "udp", isNamed: true)
    #expect(problem.isFailure)
    #expect(problem.hint?.hasPrefix("setfacl -m u:") == true)
  }
}

@Suite struct `Servers that hide each other` {
  @Test func `two configs with one management address are both named, and neither is asked`() throws
  {
    let folder = try TemporaryDirectory()
    let one = try folder.write(serverLine + "management /run/x/2 unix", to: "one.conf")
    let two = try folder.write("# x\n" + serverLine + "management /run/x/2 unix", to: "two.conf")
    try folder.write(serverLine + "management 127.0.0.1 7505", to: "tcp.conf")
    try folder.write(serverLine + "management localhost 7505", to: "udp.conf")
    try folder.write(serverLine + "management localhost 7506", to: "third.conf")
    let found = ServerDiscovery(patterns: ["\(folder.path)/*.conf"])
    #expect(found.endpoints.map(\.name) == ["third"])
    #expect(found.problems.map(\.name) == ["one", "tcp", "two", "udp"])
    #expect(found.problems.allSatisfy { $0.isFailure })
    #expect(
      found.problems[0].description
        == "\(one):2: \(two) has the same management address, unix:/run/x/2")
    #expect(found.problems[2].description.hasPrefix("\(two):3: \(one) has the same"))
    #expect(
      found.problems[0].hint?.hasSuffix("management /run/openvpn-quota/one.sock unix") == true)
  }

  @Test func `a socket by two paths is one address`() throws {
    let folder = try TemporaryDirectory()
    try folder.write("", to: "run/server.sock")
    try unsafe #require(symlink("run", folder.path + "/link") == 0)
    try folder.write(serverLine + "management run/server.sock unix", to: "a.conf")
    try folder.write(serverLine + "management link/server.sock unix", to: "b.conf")
    let found = ServerDiscovery(patterns: ["\(folder.path)/*.conf"])
    #expect(found.endpoints.isEmpty)
    #expect(found.problems.map(\.name) == ["a", "b"])
  }

  @Test func `one file by two paths is one server`() throws {
    let folder = try TemporaryDirectory()
    try folder.write(serverLine + "management /run/1 unix", to: "server/udp.conf")
    try unsafe #require(symlink("server", folder.path + "/old") == 0)
    try unsafe #require(symlink("udp.conf", folder.path + "/server/z.conf") == 0)
    let found = ServerDiscovery(
      patterns: ["\(folder.path)/server/*.conf", "\(folder.path)/old/*.conf"])
    #expect(found.problems.isEmpty)
    #expect(found.endpoints.map(\.name) == ["udp"])
  }
}

@Suite struct `Patterns that match nothing` {
  @Test(arguments: ["/nonexistent/a.d/*.conf,/nonexistent/b.d/*.conf", "/nonexistent/*.conf\""])
  func `are failures where they have commas or quotes`(pattern: String) throws {
    let folder = try TemporaryDirectory()
    try folder.write(serverLine + "management /run/1 unix", to: "udp.conf")
    let found = ServerDiscovery(patterns: ["\(folder.path)/*.conf", pattern])
    #expect(found.endpoints.map(\.name) == ["udp"])
    #expect(found.problems == [.noMatch(pattern: pattern)])
    #expect(found.problems.first?.isFailure == true)
    #expect(found.problems.first?.description == "no file matches \(pattern)")
    #expect(found.problems.first?.hint?.contains("without commas or quotes") == true)
  }

  @Test func `are told of, unless nobody chose them`() throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write(serverLine + "management /run/1 unix", to: "udp.conf")
    let problem = DiscoveryProblem.noMatch(pattern: "/nonexistent/*.conf")
    #expect(!problem.isFailure)
    #expect(ServerDiscovery(patterns: [file, "/nonexistent/*.conf"]).problems == [problem])
    #expect(ServerDiscovery(patterns: []).problems.isEmpty)
    #expect(ServerDiscovery(patterns: ["/nonexistent/*"], areDefault: true).problems.isEmpty)
  }
}

@Suite struct `Files that make others wait` {
  @Test func `a pipe with the name of a config, or an included one, is told of at once`() throws {
    let folder = try TemporaryDirectory()
    try unsafe #require(mkfifo(folder.path + "/pipe.conf", 0o600) == 0)
    try folder.write(serverLine + "config pipe.conf", to: "server.conf")
    let found = ServerDiscovery(patterns: ["\(folder.path)/*.conf"])
    #expect(
      found.problems.map(\.description)
        == Array(
          repeating: "cannot read \(folder.path)/pipe.conf, which is not a regular file: "
            + "Invalid argument", count: 2))
  }
}

@Suite struct `A permission fix` {
  @Test func `lets the user read a file, or a directory with all in it`() throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write(serverLine, to: "s.conf", mode: 0o600)
    let command = PermissionFix(for: SystemError("open", file, code: EACCES))?.command
    #expect(command?.hasPrefix("setfacl -m u:") == true)
    #expect(command?.hasSuffix(":r \(file)") == true)
    let whole = PermissionFix(for: SystemError("list", folder.path, code: EACCES))?.command
    #expect(whole?.hasSuffix(":rx \(folder.path)") == true)
  }

  @Test(.enabled(if: getuid() == 0, "only root gives files to another group"))
  func `joins a group that may read already`() throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write("", to: "x", mode: 0o640)
    // The group of daemon, on Debian.
    try unsafe #require(chown(file, geteuid(), 1) == 0)
    #expect(
      PermissionFix(opening: file, to: 65534, mainGroup: 65534)?.command
        == "usermod -aG daemon nobody")
    try unsafe #require(chmod(file, 0o600) == 0)
    #expect(
      PermissionFix(opening: file, to: 65534, mainGroup: 65534)?.command
        == "setfacl -m u:nobody:r \(file)")
    #expect(
      PermissionFix(opening: folder.path, to: 65534, mainGroup: 65534)?.command
        == "setfacl -m u:nobody:rx \(folder.path)")
  }

  @Test(arguments: [ENOENT, EIO, ELOOP])
  func `is there for missing permission only`(code: Int32) {
    #expect(PermissionFix(for: SystemError("open", "/etc/passwd", code: code)) == nil)
  }
}
