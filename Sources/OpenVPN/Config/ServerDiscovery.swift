import Glibc
import System

/// The servers of this host, found by their config files.
///
/// Client configs are passed over. Two configs with one management address are one server. Whatever
/// exists and cannot be used is a problem that is told, never a server that is left out in silence.
package struct ServerDiscovery: Sendable {
  /// The servers to ask, in the order of the patterns and of the file names.
  package private(set) var endpoints: [ManagementEndpoint] = []
  /// What was found and cannot be asked.
  package private(set) var problems: [DiscoveryProblem] = []

  /// Looks for servers.
  ///
  /// - Parameter patterns: the setting `OPENVPN_CONFIGS`: shell patterns separated by blanks.
  package init(patterns: String) {
    var configs: [ServerConfig] = []
    var seen: Set<String> = []
    for pattern in patterns.split(whereSeparator: \.isWhitespace) {
      let found = PathPattern(pattern).find()
      problems += found.errors.map { .unreadable($0, name: Path.name(of: $0.subject)) }
      for file in found.files where seen.insert(file).inserted {
        read(file, into: &configs)
      }
    }
    name(configs)
  }

  private mutating func read(_ file: String, into configs: inout [ServerConfig]) {
    do {
      let config = try ServerConfig(file: file)
      if config.isServer { configs.append(config) }
    } catch {
      switch error {
      case .unreadable(let cause): problems.append(.unreadable(cause, name: Path.stem(of: file)))
      case .mistake: problems.append(.mistake(error, name: Path.stem(of: file)))
      }
    }
  }

  private mutating func name(_ configs: [ServerConfig]) {
    var addresses: Set<ManagementEndpoint.Address> = []
    var servers: [(config: ServerConfig, management: ServerConfig.Management)] = []
    for config in configs {
      let name = Path.stem(of: config.file)
      if let place = config.managementClient {
        problems.append(.dialsOut(name: name, place: place))
      } else if let place = config.managementSignal {
        problems.append(.restarts(name: name, place: place))
      } else if let management = config.management?.value {
        if addresses.insert(management.address).inserted { servers.append((config, management)) }
      } else {
        problems.append(.noManagement(name: name, file: config.file))
      }
    }
    let names = Self.names(of: servers.map(\.config.file))
    for (server, name) in zip(servers, names) {
      endpoints.append(
        ManagementEndpoint(
          name: name, address: server.management.address,
          passwordFile: server.management.passwordFile, config: server.config))
    }
  }

  /// Stems; where one is there twice, `dir/stem`, and where that is too, the whole path.
  static func names(of files: [String]) -> [String] {
    let spellings: [(String) -> String] = [
      Path.stem, { Path.name(of: Path.directory(of: $0)) + "/" + Path.stem(of: $0) }, { $0 },
    ]
    return files.map { file in
      let unique = spellings.first { spelling in
        files.count { spelling($0) == spelling(file) } == 1
      }
      return unique?(file) ?? file
    }
  }
}

/// Something that discovery found and cannot use.
package enum DiscoveryProblem: Equatable, Sendable, CustomStringConvertible {
  /// A config, a file that it includes, or a directory cannot be read.
  case unreadable(SystemError, name: String)
  /// OpenVPN could not start with this config either.
  case mistake(ConfigError, name: String)
  /// `management-signal`: connecting and leaving would restart the server and drop every session
  /// (manage.c, tried). It must never be connected to.
  case restarts(name: String, place: ConfigPlace)
  /// `management-client`: it dials out, and exits when the other side hangs up (manage.c, tried).
  case dialsOut(name: String, place: ConfigPlace)
  /// A server without a `management` line: it may be meant to go without metering.
  case noManagement(name: String, file: String)

  /// Whether this is a server that failed, rather than one to warn about.
  package var isFailure: Bool {
    if case .noManagement = self { false } else { true }
  }

  /// The name to report it under.
  package var name: String {
    switch self {
    case .unreadable(_, let name), .mistake(_, let name), .restarts(let name, _),
      .dialsOut(let name, _), .noManagement(let name, _):
      name
    }
  }

  package var description: String {
    switch self {
    case .unreadable(let error, _): printable(error.description.utf8)
    case .mistake(let error, _): error.description
    case .restarts(_, let place):
      "\(place): with management-signal every sweep would restart the server"
    case .dialsOut(_, let place):
      "\(place): with management-client the server exits when a sweep ends"
    case .noManagement(_, let file):
      "\(printable(file.utf8)): this server has no management line and is not metered"
    }
  }

  /// What mends it: the command to run, or the line to change.
  package var hint: String? {
    switch self {
    case .unreadable(let error, _): Remedy(for: error)?.command
    case .mistake: nil
    case .restarts: "remove the management-signal line and restart the server"
    case .dialsOut:
      "remove the management-client line, so that the server listens, and restart the server"
    case .noManagement(let name, _):
      "add the line: management /run/openvpn-quota/\(printable(name.utf8)).sock unix"
    }
  }
}
