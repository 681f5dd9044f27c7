import OpenVPN
import Servers
import Support

/// The servers to sweep, by the settings.
struct ConfiguredServers {
  let endpoints: [ManagementEndpoint]
  let problems: [DiscoveryProblem]

  /// - Parameter only: names to choose from them, all if empty.
  init(_ settings: Settings, only: [String]) throws(SweepError) {
    let discovery: (endpoints: [ManagementEndpoint], problems: [DiscoveryProblem])
    if settings.management.isEmpty {
      let found = ServerDiscovery(
        patterns: settings.openvpnConfigs,
        areDefault: settings.openvpnConfigs == Settings().openvpnConfigs)
      discovery = (found.endpoints, found.problems)
    } else {
      do throws(ManagementSettingError) {
        discovery = (try ManagementEndpoint.list(fromSetting: settings.management), [])
      } catch {
        throw .setting(error)
      }
    }
    let known = discovery.endpoints.map(\.name) + discovery.problems.map(\.name)
    if let unknown = only.first(where: { !known.contains($0) }) {
      throw .unknownServer(unknown, known: known)
    }
    endpoints = discovery.endpoints.filter { only.isEmpty || only.contains($0.name) }
    problems = discovery.problems.filter { only.isEmpty || only.contains($0.name) }
  }
}

/// Why a sweep cannot begin.
package enum SweepError: UserFacingError {
  /// The setting `MANAGEMENT` makes no sense.
  case setting(ManagementSettingError)
  /// There is no server of this name.
  case unknownServer(String, known: [String])

  package var message: String {
    switch self {
    case .setting(let error): "MANAGEMENT: \(error)"
    case .unknownServer(let name, _): "there is no server \(name)"
    }
  }

  package var hint: String? {
    switch self {
    case .setting: "quota.conf(5) has examples"
    case .unknownServer(let name, let known):
      if let near = NearestName.of(Array(name.utf8), among: known) {
        "did you mean \(near)?"
      } else {
        known.isEmpty ? "no server is configured" : "known are: \(known.joined(separator: ", "))"
      }
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .setting: .configuration
    case .unknownServer: .usage
    }
  }
}
