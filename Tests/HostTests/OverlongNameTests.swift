import Foundation
import TestSupport
import Testing

/// A client with a user name that nobody has checked yet is in the listing, and can cut it.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct OverlongNameTests {
  /// A server that checks logins, and takes its time with long names, as one does that asks another
  /// machine.
  private func server(_ quota: QuotaHost) throws -> RealServer {
    let verify = try quota.host.write(
      """
      #!/bin/sh
      read -r user <"$1"
      [ ${#user} -gt 100 ] && exit 2
      exit 0

      """, to: "verify", mode: 0o755)
    var options = RealServer.Options()
    options.lines = ["auth-user-pass-verify \(verify) via-file", "max-clients 20"]
    return try quota.server("office", options)
  }

  private func client(
    _ name: String, login: String, of server: RealServer
  ) throws -> RealClient {
    var options = RealClient.Options()
    options.credentials = (login, "anything")
    return try server.client(name, options)
  }

  @Test func `it hides nobody: everyone is counted, and who is over quota goes`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--quota", "1MB")
    try quota.admin("add", "bob")
    let server = try server(quota)
    let alice = try client("alice", login: "alice", of: server)
    let bob = try client("bob", login: "bob", of: server)
    #expect(try alice.connect() == .up)
    #expect(try bob.connect() == .up)
    try quota.sweep()
    let stranger = try client(
      "mallory", login: String(repeating: "m", count: 480), of: server)
    try stranger.begin()
    try eventually("the stranger's row") {
      try server.ask("status 1").contains { $0.hasPrefix("mallory,") }
    }
    try alice.upload(600_000)
    try alice.download(600_000)
    try bob.upload(300_000)

    let outcome = try quota.sweep(expecting: [69])
    #expect(outcome.errors.contains("its listing is cut off behind"))
    #expect(outcome.errors.contains("the others were counted by their addresses"))
    #expect(try quota.usage(of: "alice").total > 1_200_000)
    #expect(try quota.usage(of: "bob").received > 300_000)
    #expect(try quota.events("killed").keys.contains { $0.hasPrefix("alice ") })
    try alice.waitUntilGone()
    #expect(try bob.ping())
    #expect(try quota.openSessions() == 1)

    try server.stop()
    try quota.expectExactAfterSweeps()
  }
}
