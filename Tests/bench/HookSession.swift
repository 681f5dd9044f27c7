import TestSupport

/// A session as OpenVPN tells its hooks of it.
struct HookSession {
  let name: String
  let process: Int64
  let since: Int64
  let address: String

  /// What the connect hook is told.
  var connecting: [String: String] {
    [
      "script_type": "client-connect", "common_name": name, "daemon_pid": "\(process)",
      "time_unix": "\(since)", "ifconfig_pool_remote_ip": address, "trusted_ip": "192.0.2.1",
      "trusted_port": "1194",
    ]
  }

  /// What the disconnect hook is told.
  func disconnecting(received: Int, sent: Int) -> [String: String] {
    connecting.merging([
      "script_type": "client-disconnect", "bytes_received": "\(received)",
      "bytes_sent": "\(sent)", "time_duration": "60",
    ]) { $1 }
  }
}

extension SpeedBench {
  /// The command line of one of the project's programs.
  func command(_ program: String) -> [String] { [Program.path(program), "--config", config] }

  /// The sessions that are live in the ledger.
  func liveSessions() throws -> [HookSession] {
    try probe.openSessions.map {
      HookSession(
        name: $0.commonName, process: $0.pid, since: $0.connectedSince, address: $0.address)
    }
  }
}
