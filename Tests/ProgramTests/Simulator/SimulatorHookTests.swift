import Foundation
import TestSupport
import Testing

/// How the simulator runs hooks, and how its sessions end.
@Suite struct SimulatorHookTests {
  @Test func `client-connect finds OpenVPN's variables and nothing else`() throws {
    let script = try HookScript()
    let server = try SimulatedServer(.init(clientConnect: script.commandLine + " \"two words\""))
    _ = try server.enter(
      "alice", username: "al", address6: "fd00::5", real: "192.0.2.9:1194", since: 1_685_784_167)
    let environment = try #require(try script.environments.first)
    for name in ["PATH", "HOME", "TZ", "LANG", "TMPDIR", "bytes_received", "bytes_sent"] {
      #expect(environment[name] == nil)
    }
    let expected = [
      "common_name": "alice", "username": "al", "trusted_ip": "192.0.2.9",
      "trusted_port": "1194", "untrusted_ip": "192.0.2.9", "untrusted_port": "1194",
      "ifconfig_pool_remote_ip": "10.8.0.2", "ifconfig_pool_remote_ip6": "fd00::5",
      "time_unix": "1685784167", "daemon_pid": "\(server.processID)",
      "script_type": "client-connect",
    ]
    for (name, value) in expected { #expect(environment[name] == value) }
    let arguments = try #require(try script.arguments.first)
    #expect(arguments == ["two words", environment["client_connect_config_file"]])
    #expect(!FileManager.default.fileExists(atPath: arguments[1]))
  }

  @Test func `client-disconnect finds the final counters, and where the client is now`() throws {
    let script = try HookScript()
    let server = try SimulatedServer(.init(clientDisconnect: script.commandLine))
    let since = Int64(Date().timeIntervalSince1970) - 100
    let alice = try server.enter("alice", real: "192.0.2.9:1194", since: since)
    try alice.setCounters(received: 1 << 40, sent: 7)
    try alice.float(to: "203.0.113.1:9")
    try alice.move(to: "10.8.0.77")
    try alice.rename(commonName: "mallory")
    try alice.leave()
    let environment = try #require(try script.environments.first)
    let expected = [
      "common_name": "mallory", "trusted_ip": "203.0.113.1", "trusted_port": "9",
      "untrusted_ip": "192.0.2.9", "untrusted_port": "1194",
      "ifconfig_pool_remote_ip": "10.8.0.77", "time_unix": "\(since)",
      "bytes_received": "1099511627776", "bytes_sent": "7", "script_type": "client-disconnect",
    ]
    for (name, value) in expected { #expect(environment[name] == value) }
    #expect((100...110).contains(Int(environment["time_duration"] ?? "") ?? 0))
    #expect(environment["client_connect_config_file"] == nil)
    #expect(
      try server.finished == [FinalCounters(name: "alice", received: 1 << 40, sent: 7)])
  }

  @Test(arguments: [("2.5", ["connect"]), ("2.6", ["connect", "disconnect"])])
  func `a refused client's disconnect hook runs since release 2.6`(
    format: String, kinds: [String]
  ) throws {
    let script = try HookScript("[ $script_type = client-disconnect ]")
    var setup = SimulatedServer.Setup(
      clientConnect: script.commandLine, clientDisconnect: script.commandLine)
    setup.format = format
    let server = try SimulatedServer(setup)
    let alice = try server.enter("alice")
    #expect(alice.isRefused)
    #expect(try alice.log.contains("AUTH_FAILED"))
    #expect(try server.hooks.map(\.kind) == kinds)
    #expect(try server.sessions.isEmpty)
    #expect(try server.finished.isEmpty)
    if format == "2.6" {
      #expect(try script.environments[1]["time_duration"] == "0")
      #expect(try script.environments[1]["bytes_received"] == "1836")
    }
  }

  @Test(arguments: ["/no/such/program", "/bin/false", "/bin/sh -c 'kill -9 $$'"])
  func `whatever is wrong with client-connect, the client stays out`(hook: String) throws {
    let server = try SimulatedServer(.init(clientConnect: hook))
    #expect(try server.enter("alice").isRefused)
  }

  @Test func `client-connect may refuse, or change the address, in its file`() throws {
    let script = try HookScript(
      """
      [ "$common_name" = bob ] && echo disable > "$1"
      echo ifconfig-push 10.8.0.99 255.255.255.0 >> "$1"
      """)
    let server = try SimulatedServer(.init(clientConnect: script.commandLine))
    #expect(try server.enter("bob").isRefused)
    #expect(try !server.enter("alice").isRefused)
    let rows = try ManagementClient(server.management).answer(to: "status 3")
    #expect(rows[3].contains("\talice\t"))
    #expect(rows[3].contains("\t10.8.0.99\t"))
  }

  @Test func `nobody is answered while a hook runs`() throws {
    let script = try HookScript("/bin/sleep 0.4")
    let server = try SimulatedServer(.init(clientDisconnect: script.commandLine))
    _ = try server.enter("alice")
    let client = try ManagementClient(server.management)
    let killing = ContinuousClock.now
    #expect(
      try client.answer(to: "kill alice")
        == ["SUCCESS: common name 'alice' found, 1 client(s) killed"])
    #expect(ContinuousClock.now - killing >= .milliseconds(400))
  }

  @Test func `the old session of a name goes before the new one is asked about`() throws {
    let script = try HookScript("[ $script_type = client-disconnect ] || [ $time_unix -lt 2000 ]")
    let server = try SimulatedServer(
      .init(clientConnect: script.commandLine, clientDisconnect: script.commandLine))
    let first = try server.enter("alice", since: 1000)
    #expect(try server.enter("alice").isRefused)
    #expect(try first.fate.state == "left")
    #expect(
      try server.hooks.map(\.kind) == ["connect", "disconnect", "connect", "disconnect"])
    #expect(try server.finished.map(\.name) == ["alice"])
  }

  @Test func `stopping runs every hook, crashing none`() throws {
    let script = try HookScript()
    let server = try SimulatedServer(.init(clientDisconnect: script.commandLine))
    let before = server.processID
    try server.populate(3, prefix: "user", received: 1, sent: 2)
    try server.crash()
    #expect(FileManager.default.fileExists(atPath: String(server.management.dropFirst(5))))
    #expect(throws: (any Error).self) { try ManagementClient(server.management) }
    try server.start()
    #expect(server.processID != before)
    #expect(try server.finished.isEmpty)
    try server.populate(3, prefix: "user", received: 1, sent: 2)
    try server.stop()
    #expect(!FileManager.default.fileExists(atPath: String(server.management.dropFirst(5))))
    #expect(
      Set(try server.finished.map(\.name)) == ["user1", "user2", "user3"])
    #expect(try script.environments.count == 3)
  }

  @Test func `a dropped client has no hook`() throws {
    let script = try HookScript()
    let server = try SimulatedServer(.init(clientDisconnect: script.commandLine))
    try server.enter("alice").drop()
    #expect(try server.hooks.isEmpty)
    #expect(try server.sessions.isEmpty)
  }

  @Test func `a test may spoil the environment`() throws {
    let script = try HookScript()
    let server = try SimulatedServer(.init(clientConnect: script.commandLine))
    try server.setEnvironment("common_name", to: Array("a\nb".utf8))
    try server.setEnvironment("time_unix", to: nil)
    _ = try server.enter("alice")
    try server.resetEnvironment()
    _ = try server.enter("bob")
    #expect(try script.environments.map { $0["common_name"] } == ["a\nb", "bob"])
    #expect(try script.environments.map { $0["time_unix"] == nil } == [true, false])
  }

  @Test func `something may happen between a listing and the kill`() throws {
    let server = try SimulatedServer()
    let alice = try server.enter("alice")
    try server.after("status", "leave \(alice.handle)")
    let client = try ManagementClient(server.management)
    #expect(try client.answer(to: "status 3")[3].contains("alice"))
    #expect(try client.answer(to: "client-kill 0") == ["ERROR: client-kill command failed"])
  }
}
