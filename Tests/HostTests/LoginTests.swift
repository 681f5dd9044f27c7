import Foundation
import TestSupport
import Testing

/// The connect hook as `auth-user-pass-verify`: clients learn at their login what keeps them out.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct LoginTests {
  private func server(
    of quota: QuotaHost, inEnvironment: Bool = false,
    changes: (inout RealServer.Options) -> Void = { _ in }
  ) throws -> RealServer {
    var options = RealServer.Options()
    options.passwords = ["alice": "hers", "bob": "his", "carol": "carols"]
    options.loginHook = quota.hook("quota-connect") + " --username-as-common-name"
    options.hasPasswordsInEnvironment = inEnvironment
    changes(&options)
    return try quota.server("office", options)
  }

  private func client(
    _ user: String, _ password: String, of server: RealServer, renegotiateAfter: Int = 0
  ) throws -> RealClient {
    var options = RealClient.Options()
    options.credentials = (user, password)
    options.renegotiateAfter = renegotiateAfter
    return try server.client("certificate", options)
  }

  @Test(arguments: [false, true])
  func `the client's log has the reason, and only with the right password`(
    inEnvironment: Bool
  ) throws {
    let quota = try QuotaHost()
    for name in ["alice", "bob"] { try quota.admin("add", name) }
    try quota.admin("disable", "bob")
    let server = try server(of: quota, inEnvironment: inEnvironment)
    let bob = try client("bob", "his", of: server)
    #expect(try bob.connect() == .refused("disabled by an administrator"))
    // What a wrong password brings is the same with a quota, without one, and for a stranger.
    for name in ["bob", "alice", "stranger"] {
      #expect(try client(name, "wrong", of: server).connect() == .refused(""), "\(name)")
    }
    #expect(try client("alice", "hers", of: server).connect() == .up)
    try quota.sweep()
    #expect(try quota.events("refused") == ["bob disabled": 1])
    #expect(try quota.probe.names == ["alice", "bob"])
  }

  @Test func `a used-up quota is told with its end`() throws {
    let quota = try QuotaHost(["TIME_ZONE": "UTC"])
    try quota.admin("add", "alice", "--quota", "100kB", "--period", "month")
    let server = try server(of: quota)
    let alice = try client("alice", "hers", of: server)
    #expect(try alice.connect() == .up)
    try alice.upload(150_000)
    try quota.sweep()
    try alice.waitUntilGone()
    let state = try alice.connect()
    guard case .refused(let reason) = state else {
      Issue.record("alice is \(state)")
      return
    }
    #expect(reason.hasPrefix("traffic quota used up until 20"))
    #expect(reason.contains("-01 00:00 UTC (in ") && reason.hasSuffix("s)"), "\(reason)")
    try quota.expectExactAfterSweeps()
  }

  /// OpenVPN asks again at each renegotiation; a session is then there, which would be its own rival.
  @Test func `a renegotiation is no login`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--max-sessions", "1")
    let server = try server(of: quota) {
      $0.duplicateCommonName = true
      $0.loginHook? += " --duplicate-cn"
    }
    let alice = try client("alice", "hers", of: server, renegotiateAfter: 100_000)
    #expect(try alice.connect() == .up)
    #expect(
      try client("alice", "hers", of: server).connect() == .refused("too many sessions at once"))
    let checks = "authentication succeeded for username 'alice'"
    let before = try server.log.components(separatedBy: checks).count
    try alice.renegotiate()
    try eventually("the server to ask again") {
      try server.log.components(separatedBy: checks).count > before
    }
    try alice.upload(50_000)
    #expect(try alice.state == .up)
    #expect(try alice.ping())
  }
}
