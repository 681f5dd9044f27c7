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
    self.server = Self.bounded(server ?? environment.server, to: 255)
  }

  /// A variable's value, no longer than a file's name, a device's name, an address or a port can be: a
  /// line of the journal has room for each.
  private static func bounded(_ value: [UInt8], to most: Int) -> [UInt8] {
    Array(value.prefix(most))
  }

  /// The user by the names that the client has at this moment, as the access table has it.
  func user(by setting: IdentifyBy, _ names: Names) -> [UInt8] {
    setting.user(commonName: environment.commonName, username: environment.username, names)
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
      ipv6: environment.ipv6, device: Self.bounded(environment.device, to: 15),
      clientHost: Self.bounded(environment.clientHost, to: 45),
      clientPort: Self.bounded(environment.clientPort, to: 5), commonName: environment.commonName,
      username: environment.username, owner: owner, received: environment.bytesReceived,
      sent: environment.bytesSent, duration: environment.duration)
  }
}
