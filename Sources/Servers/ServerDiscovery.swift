import Glibc
import OpenVPN
import System

/// The servers of this host, found by their config files.
///
/// Client configs are passed over. Whatever exists and cannot be used is a problem that is told,
/// never a server that is left out in silence.
package struct ServerDiscovery: Sendable {
  /// The servers to ask, in the order of the patterns and of the file names.
  package private(set) var endpoints: [ManagementEndpoint] = []
  /// What was found and cannot be asked.
  package private(set) var problems: [DiscoveryProblem] = []

  /// Looks for servers.
  ///
  /// - Parameters:
  ///   - patterns: the setting `OPENVPN_CONFIGS`: shell patterns of absolute paths.
  ///   - areDefault: whether nobody chose the patterns, so that none of them has to match a file.
  package init(patterns: [String], areDefault: Bool = false) {
    var configs: [ServerConfig] = []
    var seen: [FileStatus] = []
    var unmatched: [String] = []
    for pattern in patterns {
      let found = PathPattern(pattern).find()
      problems += found.errors.map { .unreadable($0, name: Path.name(of: $0.subject)) }
      if found.files.isEmpty, found.errors.isEmpty { unmatched.append(pattern) }
      for file in found.files {
        if let status = try? FileStatus(of: file) {
          // One file by two paths is one server.
          if seen.contains(where: { $0.isSameFile(as: status) }) { continue }
          seen.append(status)
        }
        read(file, into: &configs)
      }
    }
    if !areDefault { problems += unmatched.map { .noMatch(pattern: $0) } }
    name(configs)
  }

  private mutating func read(_ file: String, into configs: inout [ServerConfig]) {
    do {
      let config = try ServerConfig(readingFile: file)
      if config.isServer { configs.append(config) }
    } catch {
      switch error {
      case .unreadable(let cause): problems.append(.unreadable(cause, name: Path.stem(of: file)))
      case .mistake: problems.append(.mistake(error, name: Path.stem(of: file)))
      }
    }
  }

  private mutating func name(_ configs: [ServerConfig]) {
    var servers: [(config: ServerConfig, management: Located<ServerConfig.Management>)] = []
    for config in configs {
      let name = Path.stem(of: config.file)
      if let place = config.managementClient {
        problems.append(.dialsOut(name: name, place: place))
      } else if let place = config.managementSignal {
        problems.append(.restarts(name: name, place: place))
      } else if let management = config.management {
        servers.append((config, management))
      } else {
        problems.append(.noManagement(name: name, file: config.file))
      }
    }
    let names = Self.names(of: servers.map(\.config.file))
    for (index, server) in servers.enumerated() {
      let address = server.management.value.address
      let other = servers.indices.first {
        $0 != index && servers[$0].management.value.address.isSamePlace(as: address)
      }
      if let other {
        problems.append(
          .sharedAddress(
            name: names[index], place: server.management.place, address: address,
            other: servers[other].config.file))
      } else {
        endpoints.append(
          ManagementEndpoint(
            name: names[index], address: address,
            passwordFile: server.management.value.passwordFile, config: server.config))
      }
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

extension ManagementEndpoint.Address {
  /// Whether two servers cannot both listen here: one path or one port, however it is written.
  fileprivate func isSamePlace(as other: ManagementEndpoint.Address) -> Bool {
    switch (self, other) {
    case (.unix(let path), .unix(let otherPath)):
      return path == otherPath || isSameFile(path, otherPath)
    case (.tcp(let host, let port), .tcp(let otherHost, let otherPort)):
      func canonical(_ host: String) -> String { host == "localhost" ? "127.0.0.1" : host }
      return port == otherPort && canonical(host) == canonical(otherHost)
    default: return false
    }
  }
}

extension ServerConfig {
  /// Reads a config file, and what it includes, from the disk.
  ///
  /// - Throws: `ConfigError`; `EINVAL` in it for what is no regular file, so that a pipe with the
  ///   name of a config makes nobody wait; `EFBIG` for a file of more than 1 MiB.
  package init(readingFile file: String) throws(ConfigError) {
    try self.init(file: file) { path throws(SystemError) in
      try contents(ofRegularFile: path, limit: 1 << 20)
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
  /// Two configs have one management address: the server that starts later takes a unix socket over,
  /// and the earlier one runs on, out of reach (tried on 2.6).
  case sharedAddress(
    name: String, place: ConfigPlace, address: ManagementEndpoint.Address, other: String)
  /// A pattern of `OPENVPN_CONFIGS` matches no file: it may be meant for servers to come, unless it
  /// looks like a mistake.
  case noMatch(pattern: String)

  /// Whether this is a server that failed, rather than one to warn about.
  package var isFailure: Bool {
    switch self {
    case .noManagement: false
    case .noMatch(let pattern): pattern.contains { ",;\"'".contains($0) }
    case .unreadable, .mistake, .restarts, .dialsOut, .sharedAddress: true
    }
  }

  /// Whether it is a pattern without a file, and so about no server at all.
  package var isNoMatch: Bool { if case .noMatch = self { true } else { false } }

  /// The name to report it under.
  package var name: String {
    switch self {
    case .unreadable(_, let name), .mistake(_, let name), .restarts(let name, _),
      .dialsOut(let name, _), .noManagement(let name, _), .sharedAddress(let name, _, _, _):
      name
    case .noMatch: "OPENVPN_CONFIGS"
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
    case .sharedAddress(_, let place, let address, let other):
      "\(place): \(printable(other.utf8)) has the same management address, "
        + printable("\(address)".utf8)
    case .noMatch(let pattern): "no file matches \(printable(pattern.utf8))"
    }
  }

  /// What mends it: the command to run, or the line to change.
  package var hint: String? {
    switch self {
    case .unreadable(let error, _): PermissionFix(for: error)?.command
    case .mistake: nil
    case .restarts: "remove the management-signal line and restart the server"
    case .dialsOut:
      "remove the management-client line, so that the server listens, and restart the server"
    case .noManagement(let name, _):
      "add the line: management /run/openvpn-quota/\(printable(name.utf8)).sock unix"
    case .sharedAddress(let name, _, _, _):
      "give each server an address of its own, as in: "
        + "management /run/openvpn-quota/\(printable(Path.name(of: name).utf8)).sock unix"
    case .noMatch:
      "OPENVPN_CONFIGS has absolute paths with wildcards, separated by blanks, without commas or "
        + "quotes"
    }
  }
}
