import Foundation
import Support
import System
import TestSupport
import Testing

@testable import Admin

/// `quota-admin setup` and `teardown`, on configs of a test's own.
@Suite struct `Setup` {
  let folder: TemporaryDirectory
  let config: String
  var server: String { "\(folder.path)/openvpn/udp.conf" }

  init() throws {
    folder = try TemporaryDirectory()
    config = try folder.write(
      "DATABASE=\(folder.path)/quota.db\nLOG_FILE=\nOPENVPN_CONFIGS=\(folder.path)/openvpn/*.conf\n",
      to: "quota.conf")
    // The hooks are beside the program.
    for hook in ["quota-connect", "quota-disconnect"] { _ = Program.path(hook) }
  }

  @discardableResult
  private func admin(_ arguments: String...) throws -> Outcome {
    try Program.run(
      Program.path("quota-admin"), arguments + ["--config", config],
      environment: ["PATH": "/usr/bin:/bin"])
  }

  private func text() throws -> String { try String(contentsOfFile: server, encoding: .utf8) }

  @Test func `shows the change, makes it once, and teardown takes it back`() throws {
    let before = "server 10.8.0.0 255.255.255.0\nclient-connect \"/etc/greet.sh hi\"\nuser nobody\n"
    try folder.write(before, to: "openvpn/udp.conf", mode: 0o640)
    #expect(unsafe chown(server, geteuid(), getegid()) == 0)
    let setup = try admin("setup", "udp", "--yes")
    #expect(setup.status == 0)
    #expect(
      setup.errors.isEmpty == (ProcessIdentity(named: "openvpn-quota") != nil), "\(setup.errors)")
    let lines = setup.output.split(separator: "\n").map(String.init)
    #expect(lines[0] == "--- \(server)")
    #expect(lines.contains("-client-connect \"/etc/greet.sh hi\""))
    #expect(
      lines.contains {
        $0.hasPrefix("+client-connect \"/") && $0.contains(" --then /etc/greet.sh hi\" #")
      })
    #expect(
      lines.contains("next: restart the server udp, which disconnects everybody for a moment"))
    let after = try text()
    #expect(after.contains("group openvpn-quota # quota-admin setup\n"))
    #expect(try FileStatus(of: server).mode == 0o640)
    // As it was it stays beside.
    let copies = try names(inDirectory: "\(folder.path)/openvpn").filter { $0 != "udp.conf" }
    #expect(copies.count == 1 && copies[0].hasPrefix("udp.conf.before-setup-2"))
    #expect(
      try String(contentsOfFile: "\(folder.path)/openvpn/\(copies[0])", encoding: .utf8) == before)

    #expect(
      try admin("setup", "udp", "--yes").output.hasPrefix("\(server) has all lines already\n"))
    #expect(try text() == after)
    let teardown = try admin("teardown", server, "--yes")
    #expect(teardown.status == 0 && teardown.errors.isEmpty, "\(teardown.errors)")
    #expect(try text() == before)
    #expect(try admin("teardown", "udp").output == "\(server) has no line of ours\n")
    #expect(try FileStatus(of: server).mode == 0o640)
  }

  @Test func `asks first, and says so where it cannot`() throws {
    try folder.write("mode server\n", to: "openvpn/udp.conf")
    let outcome = try admin("setup", "udp")
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains("there is no terminal to ask on: change \(server)?"))
    #expect(try text() == "mode server\n")
  }

  @Test(.enabled(if: HeldKernel.isAvailable))
  func `turns the fence on where it is asked to`() throws {
    try folder.write("mode server\n", to: "openvpn/udp.conf")
    func run(_ words: String...) throws -> Outcome {
      try Program.run(
        Program.path("quota-admin"), ["setup", "udp", "--config", config] + words,
        environment: ["PATH": "/usr/sbin:/usr/bin:/bin"])
    }
    let before = try String(contentsOfFile: config, encoding: .utf8)
    try run("--yes").requireSuccess()
    #expect(try String(contentsOfFile: config, encoding: .utf8) == before)
    let asked = try run("--fence")
    #expect(asked.status == 64 && asked.errors.contains("to ask on: change \(config)?"))
    let done = try run("--fence", "--yes")
    #expect(done.status == 0 && done.output.contains("\n+FENCE=yes\nchanged \(config); as it was"))
    #expect(try String(contentsOfFile: config, encoding: .utf8) == before + "FENCE=yes\n")
    let again = try run("--fence", "--yes")
    #expect(again.status == 0 && !again.output.contains("FENCE"))
    let missing = try Program.run(
      Program.path("quota-admin"), ["setup", "udp", "--fence", "--yes", "--config", config],
      environment: ["PATH": folder.path, "FENCE": "no"])
    #expect(missing.status == 78 && missing.errors.contains("hint: apt-get install nftables"))
  }

  @Test func `warns of a plugin beside a hook at logins`() throws {
    try folder.write(
      "mode server\nplugin /lib/auth-ldap.so\nauth-user-pass-verify /bin/true via-env\n",
      to: "openvpn/udp.conf")
    let outcome = try admin("setup", "udp", "--at-login", "--yes")
    #expect(outcome.status == 0)
    #expect(outcome.errors.contains("udp.conf:2: /lib/auth-ldap.so may check passwords as well"))
  }

  @Test func `keeps an access list, and a link where it is`() throws {
    try folder.write("mode server\n", to: "real/udp.conf", mode: 0o600)
    try FileManager.default.createDirectory(
      atPath: "\(folder.path)/openvpn", withIntermediateDirectories: false)
    try unsafe #require(symlink("../real/udp.conf", server) == 0)
    try Program.run("setfacl", ["-m", "u:65534:r", "\(folder.path)/real/udp.conf"]).requireSuccess()
    try admin("setup", "udp", "--yes").requireSuccess()
    #expect(try FileStatus(ofLink: server).kind == .symbolicLink)
    #expect(try text().contains("client-connect"))
    let list = try Program.run("getfacl", ["-cp", "\(folder.path)/real/udp.conf"]).output
    #expect(list.contains("user:nobody:r--"), "\(list)")
  }

  @Test func `does not gain the access list that the directory gives to new files`() throws {
    try folder.write("mode server\n", to: "openvpn/udp.conf", mode: 0o600)
    try Program.run("setfacl", ["-d", "-m", "u:65534:r", "\(folder.path)/openvpn"]).requireSuccess()
    try admin("setup", "udp", "--yes").requireSuccess()
    let list = try Program.run("getfacl", ["-cp", server]).output
    #expect(!list.contains("nobody"), "\(list)")
    #expect(try FileStatus(of: server).mode == 0o600)
  }

  @Test func `leaves a config alone that was changed while it asked`() throws {
    try folder.write("mode server\nclient-connect /x/quota-connect\n", to: "openvpn/udp.conf")
    var settings = Settings()
    settings.openvpnConfigs = [server]
    let setup = try ServerSetup(of: "udp", settings)
    try folder.write("mode server\nverb 4\n", to: "openvpn/udp.conf")
    #expect(throws: CommandError.self) {
      try setup.file.write(try setup.tearingDown(), keepingAs: "teardown")
    }
    #expect(try text() == "mode server\nverb 4\n")
    #expect(try names(inDirectory: "\(folder.path)/openvpn") == ["udp.conf"])
  }

  @Test func `knows a server by the name that MANAGEMENT has for it`() throws {
    let socket = "\(folder.path)/office.sock"
    try folder.write("mode server\nmanagement \(socket) unix\n", to: "openvpn/udp.conf")
    try folder.write(
      "LOG_FILE=\nOPENVPN_CONFIGS=\(server)\nMANAGEMENT=office=unix:\(socket)\n", to: "quota.conf")
    try admin("setup", "office", "--yes").requireSuccess()
    #expect(try text().contains("quota-connect --server office\""))
    #expect(try admin("setup", "udp").output.hasPrefix("\(server) has all lines already\n"))
  }

  @Test(arguments: [
    ("management-client", "with management-client no sweep can use"),
    ("management-signal", "with management-signal no sweep can use"),
    ("management-client-user root", "with management-client-user no sweep can use"),
    ("client-connect \"sh -c 'exec quota-connect'\"", "a shell starts the hook"),
    ("client-connect \(String(repeating: "x", count: 200))", "too long for OpenVPN"),
    ("user \"nobody", "a quotation is not closed"),
  ])
  func `refuses what it cannot mend, and says where`(line: String, message: String) throws {
    try folder.write("mode server\n\(line)\n", to: "openvpn/udp.conf")
    let outcome = try admin("setup", "udp", "--yes")
    #expect(outcome.status != 0 && outcome.errors.contains(message), "\(outcome.errors)")
    #expect(try text() == "mode server\n\(line)\n")
    #expect(try names(inDirectory: "\(folder.path)/openvpn") == ["udp.conf"])
  }

  @Test func `of a server that is not there names those that are`() throws {
    try folder.write("mode server\n", to: "openvpn/udp.conf")
    try folder.write("client\n", to: "openvpn/laptop.conf")
    let near = try admin("setup", "udpp")
    #expect(near.status == 64 && near.errors.contains("did you mean udp?"))
    #expect(try admin("teardown", "laptop").errors.contains("hint: there are: udp\n"))
  }

  @Test(arguments: ["/openvpn", ""])
  func `does not write where others could put another file in its place`(above: String) throws {
    try folder.write("mode server\n", to: "openvpn/udp.conf")
    #expect(unsafe chmod(folder.path + above, 0o777) == 0)
    let outcome = try admin("setup", "udp", "--yes")
    #expect(outcome.status == 77)
    #expect(outcome.errors.contains("others may write to \(folder.path)\(above)\n"))
    #expect(outcome.errors.contains("chmod go-w \(folder.path)\(above)\n"))
  }

  @Test func `of two servers of one name goes by the directory's`() throws {
    let other = "\(folder.path)/other/udp.conf"
    try folder.write("mode server\n", to: "openvpn/udp.conf")
    try folder.write("mode server\n", to: "other/udp.conf")
    try folder.write(
      "LOG_FILE=\nOPENVPN_CONFIGS=\(folder.path)/openvpn/*.conf \(folder.path)/other/*.conf\n",
      to: "quota.conf")
    try admin("setup", "other/udp", "--yes").requireSuccess()
    let written = try String(contentsOfFile: other, encoding: .utf8)
    #expect(written.contains("quota-connect --server other/udp\""))
    #expect(try text() == "mode server\n")
  }
}
