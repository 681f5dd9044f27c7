import Glibc
import OpenVPN
import System

/// The servers of this host, found by their config files.
///
/// What is no server's config is passed over: those of clients, and of other programs. A server that
/// cannot be asked is a problem that is told, never left out in silence.
package struct ServerDiscovery: Sendable {
  /// A server's config, and what it is called; no two names are the same.
  package struct Found: Sendable {
    package let name: String
    package let config: ServerConfig
  }

  /// Every server's config, in the order of the patterns and of the file names.
  package let configs: [Found]
  /// The servers to ask.
  package private(set) var endpoints: [ManagementEndpoint] = []
  /// What was found and cannot be asked.
  package private(set) var problems: [DiscoveryProblem] = []

  /// Looks for servers.
  ///
  /// - Parameter areDefault: whether nobody chose the patterns, so that none of them has to match a file.
  package init(patterns: [String], areDefault: Bool = false) {
    var read: [ServerConfig] = []
    var problems: [DiscoveryProblem] = []
    var seen: [FileStatus] = []
    for pattern in patterns {
      let found = PathPattern(pattern).find()
      problems += found.errors.map {
        .unreadable($0, name: fileName(of: $0.subject), isServers: true)
      }
      if found.files.isEmpty, found.errors.isEmpty, !areDefault {
        problems.append(.noMatch(pattern: pattern))
      }
      for file in found.files {
        if let status = try? FileStatus(of: file) {
          // One file by two paths is one server.
          if seen.contains(where: { $0.isSameFile(as: status) }) { continue }
          seen.append(status)
        }
        do throws(ConfigError) {
          let config = try ServerConfig(readingFile: file)
          if config.isServer { read.append(config) }
        } catch {
          // A file that is named in full is meant to be a server's.
          problems.append(.config(error, name: fileStem(of: file), isNamed: file == pattern))
        }
      }
    }
    configs = zip(Self.names(of: read.map(\.file)), read).map(Found.init)
    self.problems = problems
    for server in configs { sort(server) }
  }

  private mutating func sort(_ server: Found) {
    let (name, config) = (server.name, server.config)
    if let place = config.managementClient { return problems.append(.dialsOut(name, place)) }
    if let place = config.managementSignal { return problems.append(.restarts(name, place)) }
    guard let management = config.management else {
      return problems.append(.noManagement(name, file: config.file))
    }
    let address = management.value.address
    let other = configs.first { other in
      guard let listening = other.config.listening, other.name != name else { return false }
      return listening.isSamePlace(as: address)
    }
    if let other {
      problems.append(
        .sharedAddress(name, place: management.place, address: address, other: other.config.file))
    } else {
      endpoints.append(
        ManagementEndpoint(
          name: name, address: address, passwordFile: management.value.passwordFile,
          config: config))
    }
  }

  /// Stems; where one is there twice, `dir/stem`, and where that is too, the whole path.
  static func names(of files: [String]) -> [String] {
    let spellings: [(String) -> String] = [
      fileStem, { fileName(of: directory(of: $0)) + "/" + fileStem(of: $0) }, { $0 },
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
      try contents(ofRegularFile: path, limit: ServerConfig.longest)
    }
  }

  /// The most bytes that a config may have.
  package static let longest = 1 << 20

  fileprivate var listening: ManagementEndpoint.Address? {
    managementClient == nil && managementSignal == nil ? management?.value.address : nil
  }
}

/// A shell pattern for files, such as `/etc/openvpn/*.conf`.
///
/// Unlike `glob`, it tells a directory that is not there, which has no files, from one that cannot
/// be looked into, which may hide some.
struct PathPattern {
  /// What was found, and what kept it from finding more.
  struct Found {
    var files: [String] = []
    var errors: [SystemError] = []
  }

  private let pattern: String

  init(_ pattern: some StringProtocol) { self.pattern = normalizedPath(String(pattern)) }

  /// Finds the files that there are now, in the order of their names. A path without a wildcard is
  /// found whether it exists or not.
  func find() -> Found {
    var found = Found()
    let parts = pattern.split(separator: "/").map(String.init)
    walk(parts[...], from: pattern.hasPrefix("/") ? "/" : "", into: &found)
    return found
  }

  private func walk(_ parts: ArraySlice<String>, from base: String, into found: inout Found) {
    guard let part = parts.first else { return found.files.append(base) }
    let rest = parts.dropFirst()
    guard part.contains(where: { "*?[".contains($0) }) else {
      return walk(rest, from: join(base, part), into: &found)
    }
    do {
      for name in try names(inDirectory: base.isEmpty ? "." : base) where matches(name, part) {
        let path = join(base, name)
        let exists = unsafe access(path, F_OK) == 0
        if rest.isEmpty || exists { walk(rest, from: path, into: &found) }
      }
    } catch {
      let isThere = error.code != ENOENT && error.code != ENOTDIR
      if isThere { found.errors.append(error) }
    }
  }

  private func join(_ base: String, _ name: String) -> String {
    base.isEmpty || base.hasSuffix("/") ? base + name : base + "/" + name
  }

  private func matches(_ name: String, _ part: String) -> Bool {
    unsafe fnmatch(part, name, FNM_PERIOD) == 0
  }
}
