import Foundation
import TestSupport
import Testing

/// The harness itself: what it makes, and that it leaves nothing behind.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct RealHostTests {
  /// The namespaces there are; with a host, those that are its own.
  private func namespaces(of host: String = "oq") throws -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")
    return (names ?? []).filter { $0.hasPrefix(host) }.sorted()
  }

  @Test func `a host leaves no namespace, process or folder behind`() throws {
    var folder = ""
    var pid = 0
    do {
      let host = try RealHost()
      folder = host.folder
      let server = try RealServer(on: host)
      try server.start()
      pid = try server.processID
      try server.connect("alice").upload(1000)
      #expect(try namespaces(of: (folder as NSString).lastPathComponent + "-").count == 2)
    }
    #expect(try namespaces(of: (folder as NSString).lastPathComponent + "-").isEmpty)
    #expect(!FileManager.default.fileExists(atPath: folder))
    #expect(kill(pid_t(pid), 0) != 0)
  }

  @Test func `a new host clears what a dead run left, and no more`() throws {
    // Alive until all is there: another run may clear it as well as ours.
    let owner = Process()
    owner.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    owner.arguments = ["sleep", "60"]
    try owner.runWithSignals()
    let left = "oq\(owner.processIdentifier)-0-host"
    let living = "oq\(getpid())-living-host"
    for name in [left, living] {
      #expect(try Program.run("ip", ["netns", "add", name]).status == 0)
    }
    defer { _ = try? Program.run("ip", ["netns", "del", living]) }
    let sleeper = Process()
    sleeper.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    sleeper.arguments = ["ip", "netns", "exec", left, "sleep", "60"]
    try sleeper.run()
    try eventually("a process inside") {
      try Program.run("ip", ["netns", "pids", left]).output.contains(
        "\(sleeper.processIdentifier)")
    }
    kill(owner.processIdentifier, SIGKILL)
    owner.waitUntilExit()
    let host = try RealHost()
    #expect(try !namespaces().contains(left))
    #expect(try namespaces().contains(living))
    try eventually("the end of the process inside") { !sleeper.isRunning }
    host.tearDown()
  }

  @Test func `two servers on one host serve the same client at once`() throws {
    let host = try RealHost()
    let office = try RealServer(on: host, name: "office")
    let home = try RealServer(on: host, name: "home")
    try office.start()
    try home.start()
    let there = try office.connect("alice")
    let here = try home.connect("alice")
    try there.upload(20_000)
    try here.download(30_000)
    try office.stop()
    try home.stop()
    #expect(try office.finished.map(\.name) == ["alice"])
    #expect(try home.finished.map(\.name) == ["alice"])
    #expect(try office.finished[0].received > 20_000)
    #expect(try home.finished[0].sent > 30_000)
  }

  @Test func `hooks run as the user and group the server becomes`() throws {
    let host = try RealHost()
    let who = try host.write(
      "#!/bin/sh\nid >'\(host.folder)/who'\nexec \"$2\" \"$3\"\n", to: "ask-who", mode: 0o755)
    try host.write("", to: "who", mode: 0o666)
    var options = RealServer.Options()
    options.user = "nobody"
    options.group = "daemon"
    options.connectHook = who
    let server = try RealServer(on: host, options)
    try server.start()
    #expect(try server.client("alice").connect() == .up)
    let answer = try String(contentsOfFile: host.folder + "/who", encoding: .utf8)
    #expect(answer.contains("(nobody)"))
    #expect(answer.contains("(daemon)"))
    try server.stop()
    #expect(try server.finished.map(\.name) == ["alice"])
  }

  @Test func `a server like Debian's unit has hooks that cannot change an owner`() throws {
    let host = try RealHost()
    let attempt = try host.write(
      """
      #!/bin/sh
      chown daemon '\(host.folder)/owned' && echo changed >'\(host.folder)/changed'
      exec "$2" "$3"

      """, to: "attempt", mode: 0o755)
    try host.write("", to: "owned")
    var options = RealServer.Options()
    options.wrapper = RealServer.Options.likeDebianUnit
    options.connectHook = attempt
    let server = try RealServer(on: host, options)
    try server.start()
    #expect(try server.client("alice").connect() == .up)
    #expect(!FileManager.default.fileExists(atPath: host.folder + "/changed"))
    #expect(try server.log.contains("Operation not permitted"))
  }
}
