import Foundation
import Gate
import Quota
import System
import TestSupport
import Testing

/// The built programs, with environments as OpenVPN gives them: only its own variables.
@Suite struct `The hooks' program` {
  private func host() throws -> HookHost {
    let host = try HookHost()
    host.now = JournalMoment(realtime: Clock.realtime, boottime: Clock.boottime, boot: nil)
    host.header.boot = Boot.current()
    host.users = [
      "alice": AccessUser(maxSessions: 1), "bob": AccessUser(isEnabled: false),
      "carol": AccessUser(used: 10, limit: 10),
    ]
    try host.publish()
    return host
  }

  private func connect(
    _ client: [String: String], _ arguments: [String] = []
  ) throws -> Outcome {
    try Program.run(Program.path("quota-connect"), arguments, environment: client)
  }

  private func disconnect(
    _ client: [String: String], _ arguments: [String] = []
  ) throws -> Outcome {
    let end = [
      "script_type": "client-disconnect", "bytes_received": "1", "bytes_sent": "2",
      "time_duration": "3",
    ]
    return try Program.run(
      Program.path("quota-disconnect"), arguments, environment: client.merging(end) { $1 })
  }

  @Test func `answers by its exit status, and is silent`() throws {
    let host = try host()
    for (name, status) in [("alice", 0), ("bob", 1), ("carol", 1), ("stranger", 0)] {
      let outcome = try connect(host.client(name), ["/tmp/openvpn_cc_1.tmp"])
      #expect(outcome.status == status, "\(name)")
      #expect(outcome.output + outcome.errors == "")
    }
    #expect(try disconnect(host.client("alice")).status == 0)
    let records = try host.records()
    #expect(records.map(\.kind) == [.in, .out, .out, .in, .end])
    #expect(Set(records.map(\.mark)).count == 5)
    #expect(records.allSatisfy { $0.boot == Boot.current() })
    #expect(records.allSatisfy { abs($0.realtime / 1_000_000_000 - Clock.now) < 60 })
    #expect(records.last?.received == 1 && records.last?.sent == 2 && records.last?.duration == 3)
  }

  @Test func `takes every byte of a name but the zero`() throws {
    let host = try host()
    let name = String(decoding: (1...127).filter { $0 != 61 }, as: UTF8.self) + "=ÄÖ\u{1F600}"
    #expect(try connect(host.client(name)).status == 0)
    #expect(try host.records().last?.owner == Array(name.utf8))
  }

  @Test func `takes an environment of 2 MB`() throws {
    let host = try host()
    var client = host.client("alice")
    for number in 0..<20 { client["UV_\(number)"] = String(repeating: "x", count: 100_000) }
    #expect(try connect(client).status == 0)
  }

  @Test func `tells its version, under both names`() throws {
    for name in ["quota-connect", "quota-disconnect"] {
      let outcome = try Program.run(Program.path(name), ["--version"], environment: [:])
      #expect(outcome.status == 0)
      #expect(outcome.output == "\(name) \(version)\n")
    }
  }

  @Test func `says in one line what is wrong, and goes by ON_ERROR`() throws {
    let host = try host()
    try System.remove(host.path + "/access")
    let admitted = try connect(host.client("bob"))
    #expect(admitted.status == 0)
    #expect(
      admitted.errors == "quota-connect: warning: cannot open \(host.path)/access: "
        + "No such file or directory; ON_ERROR lets the client in\n")
    let rejected = try connect(host.client("bob", changes: ["ON_ERROR": "reject"]))
    #expect(rejected.status == 1)
    let bare = try Program.run(Program.path("quota-disconnect"), environment: [:])
    #expect(bare.status == 0)
    #expect(bare.errors.hasPrefix("quota-disconnect: warning: OpenVPN's variable script_type is"))
  }

  /// The script gets its arguments, the file's name, and the environment, byte for byte.
  @Test(arguments: ["quota-connect", "quota-disconnect"])
  func `runs the server's own script with all as it came`(program: String) throws {
    let host = try host()
    let script = try host.folder.write(
      """
      #!/bin/sh
      printf '%s\\n' "$@" >'\(host.path)/arguments'
      env | sort >'\(host.path)/environment'
      echo out; echo err >&2
      exit $STATUS
      """, to: "script", mode: 0o755)
    for status in [0, 3] {
      let client = host.client(
        "alice", port: 40_000 + status,
        changes: ["STATUS": "\(status)", "odd": "two\nlines = \"x\""])
      let arguments = [
        "--server", "x y", "--then", script, "--config", "its own", "a b", "", "/file",
      ]
      let outcome =
        program == "quota-connect"
        ? try connect(client, arguments) : try disconnect(client, arguments)
      // OpenVPN takes any status but 0 for a no; ours is always 1.
      let expected = program == "quota-connect" && status != 0 ? 1 : status
      #expect(outcome.status == Int32(expected))
      #expect(outcome.output == "out\n" && outcome.errors == "err\n")
      let given = try String(contentsOfFile: host.path + "/arguments", encoding: .utf8)
      #expect(given == "--config\nits own\na b\n\n/file\n")
      let environment = try String(contentsOfFile: host.path + "/environment", encoding: .utf8)
      #expect(environment.contains("odd=two\n") && environment.contains("lines = \"x\"\n"))
      #expect(environment.contains("common_name=alice\n"))
      if program == "quota-connect", status == 0 {
        _ = try disconnect(client, ["--server", "x y"])
      }
    }
  }

  /// OpenVPN runs its scripts without a shell: a name without a slash is one of the directory it is in.
  @Test func `looks a relative script up from the server's directory`() throws {
    let host = try host()
    try host.folder.write("#!/bin/sh\nexit 0\n", to: "server/yes", mode: 0o755)
    try host.folder.write("#!/bin/sh\nexit 1\n", to: "server/bin/no", mode: 0o755)
    for (script, status) in [("yes", 0), ("./yes", 0), ("bin/no", 1), ("true", 1), ("no", 1)] {
      let outcome = try Program.run(
        "/usr/bin/env",
        ["-C", host.path + "/server", Program.path("quota-connect"), "--then", script],
        environment: host.client("stranger"))
      #expect(outcome.status == Int32(status), "\(script): \(outcome.errors)")
      #expect(outcome.errors.isEmpty == (script != "true" && script != "no"))
    }
  }

  @Test func `is killed with its script`() throws {
    let host = try host()
    let script = try host.folder.write("#!/bin/sh\nkill -9 $$\n", to: "script", mode: 0o755)
    #expect(try connect(host.client("stranger"), ["--then", script]).status == 1)
    #expect(try host.records().last?.reason == .script)
  }

  /// What stands behind `--then` at a login, the status that OpenVPN is given of a user who may come in
  /// and of one who may not, and whether the latter's password is right.
  @Test(arguments: [
    ("exit 0", 0, 1, true), ("exit 1", 1, 1, false), ("exit 2", 2, 2, false),
    ("exit 7", 7, 7, false), ("kill -9 $$", 137, 137, false),
    ("[ \"$username$password\" = bobsecret ]", 1, 1, true),
    ("read -r name <\"$2\"; [ \"$1$name\" = xbob ]", 0, 1, true),
  ])
  func `asks the program that checks passwords first`(
    script: String, alice: Int, bob: Int, isLetIn: Bool
  ) throws {
    let host = try host()
    let file = try host.folder.write("bob\nsecret\n", to: "up")
    let verifier = try host.folder.write("#!/bin/sh\n\(script)\n", to: "verify", mode: 0o755)
    for (name, status) in [("alice", alice), ("bob", bob)] {
      let reason = try host.folder.write("", to: "reason")
      let client = host.client(
        "",
        changes: [
          "script_type": "user-pass-verify", "time_unix": nil, "username": name,
          "password": "secret", "auth_failed_reason_file": reason,
        ])
      let outcome = try connect(client, ["--then", verifier, "x", file])
      #expect(outcome.status == Int32(status) && outcome.errors == "", "\(name)")
      let isOurs = name == "bob" && isLetIn
      let told = try String(contentsOfFile: reason, encoding: .utf8)
      #expect(told == (isOurs ? "disabled by an administrator" : ""), "\(name)")
    }
  }

  @Test func `stands in for no password check`() throws {
    let host = try host()
    for arguments in [[], ["--then"], ["--then", "/nonexistent"], ["/tmp/up.tmp"]] {
      let client = host.client("alice", changes: ["script_type": "user-pass-verify"])
      let outcome = try connect(client, arguments)
      #expect(outcome.status == 1 && outcome.errors.hasSuffix("nobody may log in\n"))
    }
    #expect(try host.records().isEmpty)
  }

  @Test func `works in a chroot, where there is neither /proc nor a library`() throws {
    guard getuid() == 0, Self.isEmbedded else { return }
    let host = try host()
    try Program.copy("quota-hook", into: host.path)
    var client = host.client("alice")
    client["DATABASE"] = "/quota.db"
    let outcome = try Program.run(
      "/usr/sbin/chroot", [host.path, "/quota-hook"], environment: client)
    #expect(outcome.status == 0 && outcome.errors == "")
    let record = try #require(try host.records().last)
    #expect(record.kind == .in && record.boot == nil)
  }

  /// Another user's process, as OpenVPN's is: it is in the group of the journal, and owns nothing.
  @Test func `needs no right on the state directory but to search it`() throws {
    guard getuid() == 0, Self.isStatic else { return }
    let host = try host()
    try Program.copy("quota-hook", into: host.path)
    for (name, mode) in [("", 0o750), ("/access", 0o640), ("/journal", 0o660)] {
      unsafe chmod(host.path + name, mode_t(mode))
      unsafe chown(host.path + name, 0, 65534)
    }
    let outcome = try Program.run(
      "/usr/bin/setpriv",
      ["--reuid=65533", "--regid=65534", "--clear-groups", host.path + "/quota-hook"],
      environment: host.client("bob"))
    #expect(outcome.status == 1 && outcome.errors == "")
    #expect(try host.records().last?.reason == .disabled)
  }

  /// Whether the program that is tested needs no library, as all of a release.
  private static var isStatic: Bool {
    let file = try? Program.run("/usr/bin/ldd", [Program.path("quota-hook")])
    return file?.status != 0 || file?.output.contains("statically linked") == true
  }

  /// Whether it is Embedded Swift: ordinary Swift has its runtime in it, which looks for itself below
  /// /proc when it starts, and is larger.
  private static var isEmbedded: Bool {
    let status = try? FileStatus(of: Program.path("quota-hook"))
    return isStatic && status?.size ?? .max < 1_000_000
  }
}
