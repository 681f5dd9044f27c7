import System

/// A server to ask: where its management interface is, and what it is called.
package struct ManagementEndpoint: Equatable, Sendable {
  /// Where a management interface listens.
  package enum Address: Hashable, Sendable, CustomStringConvertible {
    case unix(String)
    /// A host name or an IPv4 or IPv6 address without brackets, and a port from 1 on.
    case tcp(host: String, port: UInt16)

    /// As the setting `MANAGEMENT` has it: `unix:/path`, `tcp:127.0.0.1:7505`, `tcp:[::1]:7505`.
    package var description: String {
      switch self {
      case .unix(let path): "unix:\(path)"
      case .tcp(let host, let port):
        host.utf8.contains(UInt8(ascii: ":")) ? "tcp:[\(host)]:\(port)" : "tcp:\(host):\(port)"
      }
    }
  }

  /// The name of the server for people, for `--server` and for the ledger; no two are the same.
  package let name: String
  package let address: Address
  /// The file whose first line is the password.
  package let passwordFile: String?
  /// The server's config, where the endpoint comes from one.
  package let config: ServerConfig?

  package init(
    name: String, address: Address, passwordFile: String? = nil, config: ServerConfig? = nil
  ) {
    self.name = name
    self.address = address
    self.passwordFile = passwordFile
    self.config = config
  }
}

extension ManagementEndpoint {
  /// Reads the setting `MANAGEMENT`: entries separated by blanks, each
  /// `[NAME=]unix:/path` or `[NAME=]tcp:HOST:PORT`, optionally `,password-file=/path` behind it.
  ///
  /// An entry without a name is called after its socket's file, or `HOST:PORT`. An entry that is
  /// there twice is one server.
  ///
  /// - Throws: `ManagementSettingError` for the first entry that is none of these, and for a name or
  ///   an address that is there twice.
  package static func list(
    fromSetting text: String
  ) throws(ManagementSettingError) -> [ManagementEndpoint] {
    var endpoints: [ManagementEndpoint] = []
    for entry in text.split(whereSeparator: \.isWhitespace) {
      let endpoint = try ManagementEndpoint(setting: entry)
      if let same = endpoints.first(where: { $0.address == endpoint.address }) {
        if same.name == endpoint.name { continue }
        throw ManagementSettingError(entry, .addressTwice(same.name))
      }
      guard !endpoints.contains(where: { $0.name == endpoint.name }) else {
        throw ManagementSettingError(entry, .nameTwice(endpoint.name))
      }
      endpoints.append(endpoint)
    }
    return endpoints
  }

  private init(setting entry: Substring) throws(ManagementSettingError) {
    var rest = entry
    var given: Substring?
    // A name is before the first equals sign, unless that belongs to the address or the password.
    if let equals = entry.firstIndex(of: "="),
      !entry[..<equals].contains(where: { ":,".contains($0) })
    {
      guard equals > entry.startIndex else { throw ManagementSettingError(entry, .emptyName) }
      given = entry[..<equals]
      rest = entry[entry.index(after: equals)...]
    }
    let parts = rest.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = Address(setting: parts[0]) else {
      throw ManagementSettingError(entry, .noAddress)
    }
    var file: String?
    if parts.count == 2 {
      let path = parts[1].dropFirst("password-file=".count)
      guard parts[1].hasPrefix("password-file=/") else {
        throw ManagementSettingError(entry, .unknownOption)
      }
      file = normalizedPath(String(path))
    }
    self.init(name: given.map(String.init) ?? address.stem, address: address, passwordFile: file)
  }
}

extension ManagementEndpoint.Address {
  fileprivate init?(setting text: Substring) {
    if text.hasPrefix("unix:/") {
      self = .unix(normalizedPath(String(text.dropFirst("unix:".count))))
      return
    }
    let place = text.dropFirst("tcp:".count)
    guard text.hasPrefix("tcp:"), let colon = place.lastIndex(of: ":"),
      let port = UInt16(place[place.index(after: colon)...]), port > 0
    else { return nil }
    var host = place[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = host.dropFirst().dropLast() }
    // An IPv6 address without brackets would leave open where the port begins.
    guard !host.isEmpty, isBracketed || !host.contains(":"), !host.contains("[") else { return nil }
    self = .tcp(host: host.lowercased(), port: port)
  }

  /// A name for a server that has been given none.
  fileprivate var stem: String {
    switch self {
    case .unix(let path): fileStem(of: path)
    case .tcp: String(description.dropFirst("tcp:".count))
    }
  }
}

/// What is wrong with the setting `MANAGEMENT`, and what it may hold.
package struct ManagementSettingError: Error, Equatable, CustomStringConvertible {
  package enum Reason: Equatable, Sendable {
    case noAddress
    case emptyName
    case unknownOption
    case nameTwice(String)
    case addressTwice(String)
  }

  package let entry: String
  package let reason: Reason

  init(_ entry: Substring, _ reason: Reason) {
    self.entry = String(entry)
    self.reason = reason
  }

  package var description: String {
    let entry = printable(entry.utf8)
    return switch reason {
    case .noAddress:
      "\(entry): an entry is [NAME=]unix:/PATH or [NAME=]tcp:HOST:PORT, an IPv6 address in brackets"
    case .emptyName: "\(entry): there is no name before the equals sign"
    case .unknownOption: "\(entry): behind the comma there can only be password-file=/PATH"
    case .nameTwice(let name):
      "\(entry): the name \(printable(name.utf8)) is taken; give it one with NAME="
    case .addressTwice(let name):
      "\(entry): this address is that of \(printable(name.utf8)) already"
    }
  }
}
