import Foundation
import TestSupport
import Testing

/// Whose a session is, by the names that its client has.
@Suite struct NamesTests {
  /// The first spellings of `alice` by case, all of them different, with blanks about some.
  static let spellings = (0..<50).map { number in
    let letters = "alice".enumerated().map { number >> $0 & 1 == 1 ? $1.uppercased() : String($1) }
    return String(repeating: " ", count: number / 32) + letters.joined()
  }

  @Test(arguments: [true, false])
  func `fifty spellings of one name stop at one quota where NAMES is fold`(sweeps: Bool) throws {
    #expect(Set(Self.spellings).count == 50)
    let quota = try Installation(["NAMES": "fold", "DEFAULT_QUOTA": "1MB"])
    let server = try quota.addServer()
    var moved: Int64 = 0
    for (number, name) in Self.spellings.enumerated() {
      let client = try server.enter(name, since: now - 1000 + Int64(number) * 10)
      #expect(client.isRefused == (moved >= 1_000_000), "\(name) after \(moved)")
      if client.isRefused { continue }
      try client.upload(200_000)
      try client.leave()
      moved += 200_000 + 1836 + 1823
      if sweeps { try quota.sweep().expect(status: 0) }
    }
    #expect(moved < 1_100_000)
    #expect(try quota.used("alice") == moved)
    #expect(try quota.probe.names == ["alice"])
  }

  @Test func `spellings that are in at once add up, and all of them go`() throws {
    let quota = try Installation(["NAMES": "fold"])
    let server = try quota.addServer()
    try quota.admin("add", "Alice", "--quota", "1MB")
    let clients = try Self.spellings.prefix(5).map { try server.enter($0) }
    for client in clients { try client.upload(150_000) }
    try quota.sweep().expect(status: 0)
    #expect(clients.allSatisfy { $0.isConnected })
    for client in clients { try client.upload(100_000) }
    try quota.sweep().expect(status: 0)
    #expect(clients.allSatisfy { !$0.isConnected })
    #expect(try Set(quota.probe.events("killed").map(\.user)) == ["Alice"])
    try server.settle()
    #expect(try server.enter("aLICE").isRefused)
  }

  @Test func `a kick by another spelling is told and logged under the user's own`() throws {
    let quota = try Installation(["NAMES": "fold"])
    let server = try quota.addServer()
    try quota.admin("add", "Alice")
    let client = try server.enter("ALICE", since: now - 100)
    #expect(try quota.admin("kick", "aLiCe").hasPrefix("disconnected Alice ("))
    #expect(!client.isConnected)
    #expect(try quota.probe.events("killed").map(\.user) == ["Alice"])
  }

  @Test func `users of before whose names are one now are named, and stay apart until mended`()
    throws
  {
    let quota = try Installation()
    let server = try quota.addServer()
    for name in ["alice", "ALICE"] { try quota.admin("add", name) }
    let before = try server.enter("ALICE")
    try before.upload(1000)
    try quota.sweep().expect(status: 0)
    quota.settings["NAMES"] = "fold"
    let said = try quota.sweep(["--verbose"]).expect(status: 0)
    #expect((said.output + said.errors).contains("one name: alice, ALICE: the first of each"))
    let after = try server.enter("Alice", since: now - 5)
    try after.upload(70)
    for client in [before, after] { try client.leave() }
    #expect(try quota.used("ALICE") == 1000 + 1836 + 1823)
    #expect(try quota.used("alice") == 70 + 1836 + 1823)
    try quota.admin("rename", "alice", "alice.smith")
    let mended = try quota.sweep(["--verbose"]).expect(status: 0)
    #expect(!(mended.output + mended.errors).contains("one name"))
    #expect(try quota.admin("show", "alice").contains("ALICE"))
  }

  @Test func `clients without a name are the stranger UNDEF`() throws {
    let quota = try Installation(["DEFAULT_QUOTA": "100kB"])
    let server = try quota.addServer()
    try server.setEnvironment("common_name", to: nil)
    let first = try server.enter("UNDEF", since: now - 100)
    try first.upload(60_000)
    try first.leave()
    let second = try server.enter("UNDEF", since: now - 50)
    #expect(!second.isRefused)
    try second.upload(60_000)
    try quota.sweep().expect(status: 0)
    #expect(!second.isConnected)
    try server.settle()
    #expect(try server.enter("UNDEF").isRefused)
    #expect(try quota.admin("show", "UNDEF").contains("% of the quota"))
    quota.settings["UNKNOWN_USERS"] = "reject"
    try quota.admin("remove", "--yes", "UNDEF")
    #expect(try server.enter("UNDEF", since: now - 20).isRefused)
    try quota.takeInJournal()
    #expect(
      try quota.probe.events("refused").contains { $0.user == "UNDEF" && $0.detail == "unknown" })
  }
}

/// What OpenVPN 2.7 can change of a session that is on: its name, its address, or both at once.
@Suite struct `On OpenVPN 2.7` {
  private func setUp() throws -> (Installation, SimulatedServer) {
    let quota = try Installation()
    try quota.admin("add", "alice", "--quota", "100kB")
    return (quota, try quota.addServer { $0.format = "2.7" })
  }

  @Test(arguments: [false, true])
  func `override-username with another address lets nobody escape`(floats: Bool) throws {
    let (quota, server) = try setUp()
    let second = now - 60
    let bob = try server.enter("bob", since: second)
    let alice = try server.enter("alice", username: "alice", address: "10.8.0.9", since: second)
    // What a script behind --then wrote for OpenVPN; no listing showed the session before.
    try server.ask("rename \(alice.handle) guest guest")
    try alice.move(to: "10.8.0.77")
    if floats { try alice.float(to: "203.0.113.9:999") }
    try alice.upload(60_000)
    try bob.upload(1000)
    try quota.sweep().expect(status: 0)
    #expect(try quota.used("alice") == 60_000 + 1836 + 1823)
    try bob.leave()
    try alice.upload(60_000)
    try quota.sweep().expect(status: 0)
    #expect(!alice.isConnected)
    #expect(try quota.probe.events("killed").map(\.user) == ["alice"])
    try server.settle()
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.names == ["alice", "bob"])
    try quota.expectTruth(of: server)
  }

  @Test func `an address that is handed on by push-update is billed once`() throws {
    let (quota, server) = try setUp()
    try quota.admin("set", "alice", "--quota", "unlimited")
    let second = now - 60
    let alice = try server.enter("alice", address: "10.8.0.2", since: second)
    try alice.upload(50_000)
    try quota.sweep().expect(status: 0)
    // The pool gives alice's address to the next client, also in the second that alice came in.
    try alice.move(to: "10.8.0.50")
    let bob = try server.enter("bob", address: "10.8.0.2", since: second)
    try bob.upload(700)
    try quota.sweep().expect(status: 0)
    try bob.move(to: "10.8.0.51")
    try alice.move(to: "10.8.0.2")
    try alice.upload(50_000)
    try quota.sweep().expect(status: 0)
    #expect(try quota.used("alice") == 100_000 + 1836 + 1823)
    #expect(try quota.used("bob") == 700 + 1836 + 1823)
    for client in [alice, bob] { try client.leave() }
    try quota.sweep().expect(status: 0)
    #expect(try quota.probe.loggedSessions.count == 2)
    try quota.expectTruth(of: server)
  }
}

/// Names of any bytes that a client can have.
@Suite struct `Whatever is metered` {
  static let names: [[UInt8]] =
    [
      "-", "--yes", "-rf", "\\", "\\x41", "\\x5C", "\\x5Cx41", "\\xed", "a\\", " ", "  a  b ", "\"",
      "'",
      "a,\"b\"", "=1+1", "$(id)", "*", "%s", "\u{9B}31m", "\u{85}", "a\u{200B}b", "\u{202E}evil",
      "e\u{301}", "\u{301}e", "\u{FE0F}", "\u{A0}", "\u{E000}", "CORP\\xeda", "#", "null", "UNDEF",
    ].map { Array($0.utf8) } + [
      [0xFF], [0xC3], [0x61, 0xFF, 0x5C, 0x78, 0x34, 0x31], [0xED, 0xA0, 0x80], [0xC0, 0xAF],
      [UInt8](repeating: 0x78, count: 242),
    ]

  /// What a client may be called at random: bytes with a meaning to some program are frequent.
  static func random(_ count: Int) -> [[UInt8]] {
    var random = SeededRandom(seed: 20_261_126)
    let frequent = Array("\\x4F5C -'\",=%*$`é\u{200D}\u{9B}".utf8)
    return (0..<count).map { _ in
      (0..<Int.random(in: 1...14, using: &random)).map { _ in
        let byte =
          Bool.random(using: &random)
          ? frequent.randomElement(using: &random) ?? 0
          : UInt8.random(in: 0x20...0xFF, using: &random)
        return byte == 0x7F ? 0x20 : byte
      }
    }
  }

  private func admin(
    _ quota: Installation, _ command: [String], _ names: [String]
  ) throws -> Outcome {
    try Program.run(
      Program.path("quota-admin"), command + ["--config", quota.config, "--"] + names,
      environment: [:])
  }

  @Test func `is administered by the name that list shows`() throws {
    let quota = try Installation()
    let server = try quota.addServer()
    let names = Array(Set(Self.names + Self.random(30))).sorted { $0.lexicographicallyPrecedes($1) }
    for name in names {
      let word = name.map { String(format: "%%%02X", $0) }.joined()
      let serial = try server.ask("connect \(word)").split(separator: " ")[2]
      try server.ask("traffic #\(serial) 1000 0")
    }
    try quota.sweep().expect(status: 0)
    #expect(
      try quota.probe.users.map(\.nameBytes).sorted { $0.lexicographicallyPrecedes($1) } == names)

    let lines = try quota.admin("list").split(separator: "\n").dropFirst()
    let shown = try lines.map { line in
      let end = try #require(line.range(of: "  active "))
      return String(line[..<end.lowerBound].reversed().drop { $0 == " " }.reversed())
    }
    #expect(Set(shown).count == names.count)
    for (name, shown) in zip(names, shown) {
      let outcome = try admin(quota, ["show", "--json"], [shown])
      #expect(outcome.status == 0, "\(shown): \(outcome.errors)")
      struct Named: Decodable { let name: String, name_hex: String? }
      let named = try JSONDecoder().decode(Named.self, from: Data(outcome.output.utf8))
      let hexadecimal = name.map { String(format: "%02x", $0) }.joined()
      #expect(
        named.name_hex.map { $0 == hexadecimal } ?? (Array(named.name.utf8) == name), "\(shown)")
    }
    try expectRoundTrip(of: quota)

    for shown in shown.prefix(12) {
      try admin(quota, ["kick"], [shown]).expect(status: 0)
    }
    #expect(try quota.probe.events("killed").count == 12)
    try admin(quota, ["disable"], shown).expect(status: 0)
    #expect(try quota.probe.users.allSatisfy { $0.status == "disabled" })
    for (number, shown) in shown.enumerated() {
      try admin(quota, ["rename"], [shown, "user\(number)"]).expect(status: 0)
      try admin(quota, ["rename"], ["user\(number)", shown]).expect(status: 0)
    }
    #expect(try quota.probe.users.filter { $0.status == "disabled" }.count == names.count)
    try admin(quota, ["remove", "--yes"], shown).expect(status: 0)
    #expect(try quota.admin("list", "--json").contains("\"users\":[]"))
  }

  /// Expects an export to be what another ledger exports that imported it.
  private func expectRoundTrip(of quota: Installation) throws {
    for format in ["--json", "--csv"] {
      // Through files: a name may be no text.
      func export(_ quota: Installation) throws -> String {
        let command = "'\(Program.path("quota-admin"))' export \(format) >users"
        try Program.run(
          "/bin/sh", ["-c", "cd '\(quota.folder)' && \(command)"],
          environment: [
            "QUOTA_CONFIG": quota.config
          ]
        ).expect(status: 0)
        return quota.folder + "/users"
      }
      let (other, file) = (try Installation(), try export(quota))
      try other.run("quota-admin", ["import", file]).expect(status: 0)
      let files = try [file, export(other)].map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
      #expect(files[0] == files[1])
    }
  }
}

/// Servers in containers of their own all have the process id 1.
@Suite struct `Two servers with one process id` {
  private func server(_ quota: Installation, config: String) throws -> SimulatedServer {
    var setup = SimulatedServer.Setup(
      clientConnect: quota.hook("quota-connect"), clientDisconnect: quota.hook("quota-disconnect"))
    (setup.processID, setup.config) = (1, config)
    return try SimulatedServer(setup)
  }

  @Test func `bill and disconnect the right user, by the servers' names`() throws {
    let quota = try Installation()
    try quota.admin("add", "alice", "--quota", "100kB")
    let second = now - 60
    let servers = try ["east", "west"].map {
      try server(quota, config: "/etc/openvpn/server/\($0).conf")
    }
    quota.settings["MANAGEMENT"] = "east=\(servers[0].management) west=\(servers[1].management)"
    // All that could tell them apart is equal.
    let alice = try servers[0].enter(
      "alice", address: "10.8.0.2", real: "192.0.2.1:1194", since: second)
    let bob = try servers[1].enter(
      "bob", address: "10.8.0.2", real: "192.0.2.1:1194", since: second)
    try alice.upload(10_000)
    try bob.upload(500_000)
    try quota.sweep().expect(status: 0)
    #expect(alice.isConnected && bob.isConnected)
    try alice.upload(200_000)
    try quota.sweep().expect(status: 0)
    #expect(!alice.isConnected && bob.isConnected)
    for server in servers { try server.settle() }
    try bob.leave()
    try quota.sweep().expect(status: 0)
    #expect(try quota.used("alice") == 210_000 + 1836 + 1823)
    #expect(try quota.used("bob") == 500_000 + 1836 + 1823)
    try quota.expectTruth(of: servers[0], servers[1])
  }

  @Test func `are an error where nothing tells them apart`() throws {
    let quota = try Installation()
    // Both configs have one name, which is none of those in MANAGEMENT.
    let servers = try (1...2).map { _ in try server(quota, config: "/etc/openvpn/server.conf") }
    quota.settings["MANAGEMENT"] = "east=\(servers[0].management) west=\(servers[1].management)"
    let second = now - 60
    let clients = try zip(servers, ["alice", "bob"]).map {
      try $0.enter($1, address: "10.8.0.2", real: "192.0.2.1:1194", since: second)
    }
    for client in clients { try client.upload(10_000) }
    let outcome = try quota.sweep().expect(status: 69)
    outcome.expect(error: "both answer with process id 1, and the hooks have other names for them")
    #expect(try quota.probe.usage(by: .history).isEmpty)
    #expect(clients.allSatisfy { $0.isConnected })
  }
}
