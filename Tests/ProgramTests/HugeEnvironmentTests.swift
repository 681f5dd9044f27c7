import Foundation
import TestSupport
import Testing

/// Hooks whose every variable is as large as the system takes it.
@Suite struct HugeEnvironmentTests {
  private static let session = [
    "common_name": "alice", "daemon_pid": "4711", "time_unix": "1795466205",
    "ifconfig_pool_remote_ip": "10.99.0.7",
  ]

  private func run(
    _ program: String, _ quota: Installation, _ variables: [String: String]
  ) throws -> Outcome {
    let huge = try HugeEnvironment(size: 100_000, session: variables)
    let command = huge.prefix + [Program.path(program), "--config", quota.config]
    return try Program.run(command[0], Array(command.dropFirst()), environment: [:])
  }

  @Test func `variables that are not read may be of any size`() throws {
    let quota = try Installation()
    try quota.admin("add", "alice", "--quota", "1MB")
    var variables = Self.session
    variables["script_type"] = "client-connect"
    let welcome = try run("quota-connect", quota, variables).expect(status: 0)
    #expect(welcome.errors == "")
    #expect(try quota.openSessions == 1)
    variables["script_type"] = "client-disconnect"
    variables["bytes_received"] = "700000"
    variables["bytes_sent"] = "300000"
    variables["time_duration"] = "60"
    let farewell = try run("quota-disconnect", quota, variables).expect(status: 0)
    #expect(farewell.errors == "")
    #expect(try quota.used("alice") == 1_000_000)
    variables = Self.session
    variables["script_type"] = "client-connect"
    variables["time_unix"] = "1795466300"
    try run("quota-connect", quota, variables).expect(status: 1)
  }

  @Test(
    arguments: [
      ("common_name", 1), ("daemon_pid", 1), ("time_unix", 1), ("ifconfig_pool_remote_ip", 0),
    ] as [(String, Int32)])
  func `a huge variable that is read is turned down in a line or two`(
    name: String, status: Int32
  ) throws {
    let quota = try Installation(["ON_ERROR": "reject"])
    var variables = Self.session
    variables["script_type"] = "client-connect"
    variables[name] = String(repeating: "y", count: 100_000)
    let connect = try run("quota-connect", quota, variables).expect(status: status)
    variables["script_type"] = "client-disconnect"
    variables["bytes_received"] = String(repeating: "9", count: 100_000)
    let disconnect = try run("quota-disconnect", quota, variables).expect(status: 0)
    for outcome in [connect, disconnect] {
      #expect(outcome.errors.isPlain)
      #expect(outcome.errors.count < 1000)
    }
    try quota.sweep().expect(status: 0)
    #expect(try quota.openSessions == 0)
  }
}
