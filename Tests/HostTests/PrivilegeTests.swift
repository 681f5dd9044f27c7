import Foundation
import TestSupport
import Testing

/// Programs of several users on one state directory: owners and modes have to come out right, whichever
/// creates a file and whichever dies.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct PrivilegeTests {
  /// The sweep as the state directory's owner; run by root it becomes that by itself.
  private let asOwnUser = ["setpriv", "--reuid", "games", "--regid", "daemon", "--clear-groups"]

  private func server(_ quota: QuotaHost, asNobody: Bool) throws -> RealServer {
    var options = RealServer.Options()
    if asNobody {
      options.user = "nobody"
      options.group = "daemon"
    } else {
      options.wrapper = RealServer.Options.likeDebianUnit
    }
    return try quota.server(asNobody ? "nobody" : "unit", options)
  }

  @Test func `hooks as root without CAP_CHOWN, hooks as nobody and a sweep of its own take turns`()
    throws
  {
    let quota = try QuotaHost(owner: "games", group: "daemon")
    try quota.shareThePrograms()
    let servers = try [server(quota, asNobody: false), server(quota, asNobody: true)]
    for round in 1...3 {
      try quota.admin("add", "alice-\(round)")
      for server in servers {
        let alice = try server.client("alice-\(round)")
        let carol = try server.client("carol-\(round)")
        try alice.connect()
        try carol.connect()
        try alice.upload(40_000)
        try carol.download(40_000)
        try quota.sweep(through: round == 2 ? [] : asOwnUser)
        try server.ask("kill alice-\(round)")
        try server.ask("kill carol-\(round)")
        try alice.waitUntilGone()
        try carol.waitUntilGone()
        try quota.sweep(through: round == 3 ? [] : asOwnUser)
      }
    }
    try quota.expectExact()
    #expect(try !quota.log.contains("ermission"))
    for file in try FileManager.default.subpathsOfDirectory(atPath: quota.data) {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(quota.data)/\(file)")
      #expect(attributes[.ownerAccountName] as? String == "games", "\(file)")
      #expect(attributes[.groupOwnerAccountName] as? String == "daemon", "\(file)")
      let modes = ["access": 0o640, "journal": 0o660, "journal.old": 0o660]
      #expect(attributes[.posixPermissions] as? Int == modes[file] ?? 0o600, "\(file)")
    }
  }

  @Test func `a sweep that is killed at any moment leaves nothing that stops the others`() throws {
    let quota = try QuotaHost(owner: "games", group: "daemon")
    try quota.shareThePrograms()
    try quota.admin("add", "alice")
    let servers = try [server(quota, asNobody: false), server(quota, asNobody: true)]
    let clients = try servers.map { try $0.client("alice") }
    for (turn, milliseconds) in stride(from: 1, to: 40, by: 3).enumerated() {
      let wrapper = turn.isMultiple(of: 2) ? asOwnUser : []
      let client = clients[turn % 2]
      // The server's kill is nothing a client hears of over UDP.
      if turn < 2 { try client.connect() } else { try client.reconnect() }
      try client.upload(20_000)
      try quota.sweep(
        expecting: [0, 137],
        through: ["timeout", "-s", "KILL", "0.0\(milliseconds / 10)\(milliseconds % 10)"] + wrapper)
      try servers[turn % 2].ask("kill alice")
      try client.waitUntilGone()
    }
    for server in servers { try server.stop() }
    try quota.sweep(expecting: [69], through: asOwnUser)
    try quota.expectExact()
  }

  @Test(arguments: [false, true])
  func `a hook that is killed at any moment leaves nothing that stops the others`(
    asNobody: Bool
  ) throws {
    let quota = try QuotaHost(owner: "games", group: "daemon")
    try quota.shareThePrograms()
    try quota.admin("add", "alice")
    let server = try server(quota, asNobody: asNobody)
    let alice = try server.client("alice")
    // Dead hooks: what would be a session's end, cut off at some moment of its work.
    for seconds in stride(from: 0.001, to: 0.02, by: 0.0005) {
      try quota.killHook(after: seconds, asNobody: asNobody)
    }
    try alice.connect()
    try alice.upload(60_000)
    try quota.sweep(through: asOwnUser)
    try server.ask("kill alice")
    try alice.waitUntilGone()
    try quota.sweep(through: asOwnUser)
    let used = try quota.usage(of: "alice")
    #expect(used == (try quota.truth()["alice"]))
    #expect(try server.client("bob").connect() == .up)
  }
}
