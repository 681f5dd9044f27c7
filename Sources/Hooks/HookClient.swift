import Gate
import OpenVPN
import Quota

/// The client that a hook runs for.
struct HookClient {
  let environment: HookEnvironment
  /// The server's name.
  let server: [UInt8]

  /// - Parameter server: the argument of `--server`; without it the config's name is the server's.
  init(_ environment: HookEnvironment, server: [UInt8]?) {
    self.environment = environment
    // No longer than a file's name can be.
    self.server = Array((server ?? environment.server).prefix(255))
  }

  /// The user by the names that the client has at this moment; empty for none.
  func user(by setting: IdentifyBy) -> [UInt8] {
    setting.name(commonName: environment.commonName, username: environment.username)
  }

  /// The journal's record of this run of the hook.
  func record(
    _ kind: JournalRecord.Kind, at now: JournalMoment, process: Int32 = 0, owner: [UInt8]
  ) -> JournalRecord {
    JournalRecord(
      kind: kind, mark: JournalRecord.mark(boottime: now.boottime, process: process),
      boot: now.boot, serverStart: environment.serverStart, server: server,
      pid: environment.processID, connectedSince: environment.connectedSince,
      realtime: now.realtime, boottime: now.boottime, ipv4: environment.ipv4,
      ipv6: environment.ipv6, device: environment.device, clientHost: environment.clientHost,
      clientPort: environment.clientPort, commonName: environment.commonName,
      username: environment.username, owner: owner, received: environment.bytesReceived,
      sent: environment.bytesSent, duration: environment.duration)
  }
}
