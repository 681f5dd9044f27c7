import Foundation
import TestSupport
import Testing

/// What strangers and broken servers can put before the programs.
@Suite struct HostileInputTests {
  static let names = [
    "Robert'); DROP TABLE users;--", "bob, \"the\" Builder", "a:b", "Jürgen", "\u{202E}evil",
    "quit\r\nkill UNDEF", "\u{1B}[2J\u{1B}]0;owned\u{7}", "-rf", "--config", "%s%n%00", "../../etc",
    "UNDEF", "admitted-1-2-3", "$(touch /tmp/owned)", " leading and trailing ", "=", "#",
    "name\twith\ttabs", "\\", "END", "SUCCESS: pid=1", ">CLIENT:ENV,END", "0", "NULL",
  ]

  @Test func `a common name is a name, whatever is in it`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"])
    let server = try quota.addServer()
    let honest = try server.enter("honest")
    let clients = try Self.names.map { try server.enter($0) }
    for client in clients { try client.upload(20_000) }
    let outcome = try quota.sweep(["--verbose"]).expect(status: 0)
    for client in clients { #expect(!client.isConnected, "\(client.name)") }
    #expect(honest.isConnected)
    #expect(
      Set(try server.commands.map { $0.split(separator: " ")[0] }) == [
        "status", "pid", "client-kill",
      ])
    try server.settle()
    try quota.sweep().expect(status: 0)
    // OpenVPN itself puts `_` in place of control characters.
    let stored = Self.names.map { name in
      String(
        decoding: name.utf8.map { $0 >= 32 && $0 != 127 ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }
    #expect(try Set(quota.probe.names) == Set(stored + ["honest"]))
    for name in stored { #expect(try quota.used(name) == 1836 + 1823 + 20_000, "\(name)") }
    for name in Self.names {
      #expect(try server.enter(name, since: now - 30).isRefused, "\(name)")
    }
    let log = String(
      decoding: try Data(contentsOf: URL(fileURLWithPath: quota.folder + "/log")),
      as: UTF8.self)
    for text in [outcome.errors, outcome.output, log, try server.log] { #expect(text.isPlain) }
    #expect(log.split(separator: "\n").allSatisfy { $0.contains("quota-") })
  }

  @Test func `names that are not UTF-8 are told apart`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    for name in ["J%FCrgen", "J%FDrgen", "%FF%FE"] {
      let serial = try server.ask("connect \(name)").split(separator: " ")[2]
      try server.ask("traffic #\(serial) 1000 0")
    }
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.users.count == 3)
    try server.softRestart()
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.users.map(\.bytesUsed) == [4659, 4659, 4659])
    #expect(try quota.probe.loggedSessions.count == 3)
  }

  struct Spoiling: Sendable, CustomTestStringConvertible {
    let variable: String
    let value: [UInt8]?
    /// Whether what remains says which session it is and whose.
    let isEnough: Bool

    init(_ variable: String, _ value: String?, isEnough: Bool = false) {
      self.variable = variable
      self.value = value.map { Array($0.utf8) }
      self.isEnough = isEnough
    }

    var testDescription: String {
      variable + "=" + (value.map { String(decoding: $0.prefix(30), as: UTF8.self) } ?? "nil")
    }
  }

  static let spoilings: [Spoiling] =
    ["daemon_pid", "time_unix"].flatMap { variable in
      [nil, "", "-5", "1e9", "99999999999999999999", "12x", "٣", " 7"].map {
        Spoiling(variable, $0)
      }
    } + [
      Spoiling("script_type", nil), Spoiling("script_type", "tls-verify"),
      // A client without a name is a stranger; an address only helps to find the session.
      Spoiling("common_name", nil, isEnough: true), Spoiling("common_name", "", isEnough: true),
      Spoiling("ifconfig_pool_remote_ip", "../../../tmp/x", isEnough: true),
      Spoiling("ifconfig_pool_remote_ip", "10.8.0.2'--", isEnough: true),
      Spoiling(
        "ifconfig_pool_remote_ip", String(repeating: "9", count: 100_000), isEnough: true),
      Spoiling("username", String(repeating: "\u{1B}", count: 100), isEnough: true),
    ]

  @Test(arguments: ["allow", "reject"])
  func `a spoilt environment crashes no hook and follows ON_ERROR`(answer: String) throws {
    let quota = try Installation(["ON_ERROR": answer])
    let server = try quota.addServer()
    var read = 0
    for (number, spoiling) in Self.spoilings.enumerated() {
      let what = Comment(rawValue: spoiling.testDescription)
      let hooks = try server.hooks.count
      try server.setEnvironment(spoiling.variable, to: spoiling.value)
      let client = try server.enter("alice", since: now - 1000 + Int64(number))
      #expect(client.isRefused == (answer == "reject" && !spoiling.isEnough), what)
      if !client.isRefused { try client.leave() }
      try server.resetEnvironment()
      let runs = try server.hooks.dropFirst(hooks)
      #expect(runs.map(\.kind) == ["connect", "disconnect"], what)
      #expect(runs.map(\.status) == [client.isRefused ? 1 : 0, 0], what)
      let log = try server.log
      let said = String(log.dropFirst(read))
      read = log.count
      #expect(said.isPlain, what)
      #expect(said.count < 2000, what)
      if !spoiling.isEnough { #expect(said.contains(spoiling.variable), what) }
    }
    try quota.sweep().expect(status: 0)
  }

  @Test(
    arguments: [
      ("bytes_received", nil), ("bytes_received", ""), ("bytes_received", "-1"),
      ("bytes_received", "many"), ("bytes_sent", nil), ("bytes_sent", "0x10"),
      ("time_duration", nil), ("time_duration", "-3"),
      ("time_duration", "9223372036854775807"),
    ] as [(String, String?)])
  func `a spoilt final counter lowers nothing`(variable: String, value: String?) throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice", since: now - 60)
    try alice.setCounters(received: 5000, sent: 6000)
    try quota.sweep().expect(status: 0)
    try server.setEnvironment(variable, to: value.map { Array($0.utf8) })
    try alice.leave()
    #expect(try server.hooks.last?.status == 0)
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 0)
    #expect(try quota.used("alice") == 11_000)
  }

  @Test func `counters beyond the largest number are not counted`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let alice = try server.enter("alice", since: now - 60)
    try server.setEnvironment("bytes_received", to: Array("18446744073709551615".utf8))
    try alice.leave()
    try quota.sweep().expect(status: 0).expect(error: "not counted")
    #expect(try quota.probe.users.map(\.bytesUsed) == [0])
  }

  @Test func `an environment with nothing in it crashes no hook`() throws {
    let quota = try Installation()
    for (program, status) in [("quota-connect", 0), ("quota-disconnect", 0)] {
      let outcome = try Program.run(
        Program.path(program), ["--config", quota.config], environment: [:])
      #expect(outcome.status == Int32(status))
      #expect(outcome.errors.split(separator: "\n").count == 1)
      outcome.expect(error: "\(program): ")
    }
  }

  @Test(arguments: ["allow", "reject"])
  func `without an access table ON_ERROR decides, and no byte is lost`(answer: String) throws {
    let quota = try Installation(["ON_ERROR": answer])
    let server = try quota.addServer()
    let table = quota.folder + "/var/access"
    try FileManager.default.removeItem(atPath: table)
    let alice = try server.enter("alice", since: now - 60)
    #expect(alice.isRefused == (answer == "reject"))
    if answer == "allow" {
      try alice.upload(1000)
      try alice.leave()
    }
    try quota.sweep().expect(status: 0)
    #expect(FileManager.default.fileExists(atPath: table))
    try quota.expectTruth(of: server)
  }

  @Test func `a damaged database is bad data for the sweep and nothing to the hooks`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    try Data(repeating: 0x5A, count: 9000).write(to: URL(fileURLWithPath: quota.database))
    #expect(try !server.enter("alice", since: now - 60).isRefused)
    try server.softRestart()
    #expect(try server.hooks.allSatisfy { $0.status == 0 })
    #expect(try String(contentsOfFile: quota.journal, encoding: .utf8).contains("\tend\t"))
    let outcome = try quota.sweep().expect(status: 65)
    outcome.expect(error: "quota-sweep: error: ")
  }

  @Test(arguments: ["MANAGEMENT_TIMEOUT=soon", "COUNT=both", "TIME_ZONE=Mars/Olympus", "NONSENSE"])
  func `a bad setting stops the sweep with 78 and no hook`(line: String) throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let text = try String(contentsOfFile: quota.config, encoding: .utf8)
    try quota.write(text + line + "\n", to: "quota.conf")
    let outcome = try quota.sweep().expect(status: 78)
    outcome.expect(error: "quota.conf:")
    let alice = try server.enter("alice", since: now - 60)
    #expect(!alice.isRefused)
    try alice.leave()
    try quota.write(text, to: "quota.conf")
    try quota.sweep().expect(status: 0)
    try quota.expectTruth(of: server)
  }
}
