import Foundation
import System
import TestSupport
import Testing

/// `make install` and `make uninstall`, with stand-ins for the programs.
@Suite struct `An installation from a checkout` {
  private static let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  let folder: TemporaryDirectory

  init() throws {
    folder = try TemporaryDirectory()
    for name in ["openvpn-quota", "quota-sync", "quota-hook", "quota-connect", "quota-disconnect"] {
      try folder.write("#!/bin/sh\n", to: "programs/\(name)", mode: 0o755)
    }
    for name in ["quota-sweep", "quota-rotate", "quota-fence", "quota-sync", "quota-admin"] {
      for file in [name, "_\(name)", "\(name).fish"] {
        try folder.write("", to: "programs/completions/\(file)")
      }
    }
  }

  private var root: String { folder.path + "/root" }

  private func make(_ target: String) throws -> Outcome {
    try Program.run(
      "make",
      [
        "-s", "-C", Self.checkout, target, "DESTDIR=\(root)",
        "PROGRAMS=\(folder.path)/programs",
      ], environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
  }

  /// The files, links too, that are left.
  private func files() throws -> [String] {
    let found = try Program.run("find", [root, "!", "-type", "d"]).output
    return found.split(separator: "\n").map { String($0.dropFirst(root.count)) }.sorted()
  }

  @Test func `is removed but for the settings`() throws {
    #expect(try make("install").status == 0)
    #expect(try files().contains("/usr/local/libexec/openvpn-quota/quota-connect"))
    // Installing again forgets nothing.
    #expect(try make("install").status == 0)
    let outcome = try make("uninstall")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(try files() == ["/etc/openvpn-quota/quota.conf"])
    #expect(throws: SystemError.self) {
      try names(inDirectory: root + "/usr/local/share/doc/openvpn-quota")
    }
  }

  @Test func `keeps what was edited, and what others put there`() throws {
    #expect(try make("install").status == 0)
    let (cron, mine) = ("/etc/openvpn-quota/cron", "/usr/local/share/doc/openvpn-quota/mine.txt")
    try folder.write("# mine\n", to: "root\(cron)")
    try folder.write("mine\n", to: "root\(mine)")
    let outcome = try make("uninstall")
    #expect(outcome.status == 0 && outcome.errors.contains("kept: \(root)\(cron) was changed"))
    #expect(try files() == [cron, "/etc/openvpn-quota/quota.conf", mine].sorted())
  }

  @Test func `has pages that name its own places`() throws {
    #expect(try make("install").status == 0)
    let pages = "\(root)/usr/local/share"
    let named = try Program.run("grep", ["-rhoE", "/usr/[a-z/]*/openvpn-quota", pages]).output
    #expect(named.contains("/usr/local/libexec/openvpn-quota\n"))
    #expect(named.contains("/usr/local/share/doc/openvpn-quota\n"))
    #expect(!named.contains("/usr/libexec") && !named.contains("/usr/share"))
  }

  @Test func `does not begin with a server that is not there`() throws {
    let outcome = try Program.run(
      "\(Self.checkout)/.ci/deploy", ["/usr/local", "/etc", "no-such-server"],
      environment: ["PATH": "/usr/bin:/bin", "MAKE": "false"])
    #expect(outcome.status == 1)
    #expect(
      outcome.errors.hasPrefix("deploy: error: there is no config of a server no-such-server\n"))
  }

  @Test(.enabled(if: getuid() == 0, "only root becomes another user"))
  func `finds a server's config where only root may look`() throws {
    let config = try folder.write("mode server\n", to: "closed/udp.conf")
    #expect(unsafe chmod(folder.path + "/closed", 0o700) == 0 && chmod(folder.path, 0o755) == 0)
    let deploy = try String(contentsOfFile: Self.checkout + "/.ci/deploy", encoding: .utf8)
    try folder.write(deploy, to: "bin/deploy", mode: 0o755)
    try folder.write("#!/bin/sh\necho \"sudo $*\"\n", to: "bin/sudo", mode: 0o755)
    let outcome = try Program.run(
      "setpriv",
      [
        "--reuid", "65534", "--regid", "65534", "--clear-groups", folder.path + "/bin/deploy",
        "/usr/local", "/etc", config,
      ], environment: ["PATH": "\(folder.path)/bin:/usr/bin:/bin", "MAKE": "false"])
    // What comes then is not there: a build, or a systemd.
    #expect(outcome.status == 1 && !outcome.errors.contains("there is no config"), "\(outcome)")
    #expect(outcome.output == "sudo test -e \(config)\n")
  }

  @Test(.enabled(if: getuid() == 0, "only root becomes the caller"))
  func `is built by the user who called sudo`() throws {
    func whoRuns(_ environment: [String: String]) throws -> String {
      let path = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
      return try Program.run(
        "\(Self.checkout)/.ci/as-caller", ["id", "-un"],
        environment: path.merging(environment) { $1 }
      ).output
    }
    #expect(try whoRuns(["SUDO_USER": "nobody"]) == "nobody\n")
    #expect(try whoRuns(["SUDO_USER": "root"]) == "root\n")
    #expect(try whoRuns([:]) == "root\n")
  }
}
