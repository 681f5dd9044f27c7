import Support
import Ledger
import OpenVPN
import Quota
import System

extension HookEnvironment {
  /// The session this hook is about, as the ledger knows sessions.
  var identity: SessionIdentity {
    SessionIdentity(
      boot: Boot.current(), pid: processID, connectedSince: connectedSince, address: address.text)
  }

  /// The common name as a name in the ledger; empty where OpenVPN gave none.
  var doorName: UserName { UserName(bytes: commonName ?? []) }

  /// The user by the setting `IDENTIFY_BY`.
  func user(by setting: IdentifyBy) throws(HookEnvironmentError) -> UserName {
    switch setting {
    case .commonName: UserName(bytes: try name(by: .commonName))
    case .username: UserName(bytes: try name(by: .username))
    }
  }
}
