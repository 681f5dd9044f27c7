/// Which of a client's names is its user's. The setting `IDENTIFY_BY`.
package enum IdentifyBy: Int, Sendable {
  /// The common name of its certificate; the name it logged in with where there is none, as without
  /// client certificates.
  case auto
  /// The common name of its certificate.
  case commonName
  /// The name it logged in with.
  case username

  /// The user's name, as it is looked up.
  ///
  /// All clients that have none are one user, `UNDEF`: so OpenVPN itself calls them in its listings
  /// (`tls_common_name`, ssl_verify.c).
  package func user(commonName: [UInt8], username: [UInt8], _ names: Names) -> [UInt8] {
    let name =
      switch self {
      case .auto: commonName.isEmpty ? username : commonName
      case .commonName: commonName
      case .username: username
      }
    return names.key(of: name)
  }
}

/// Which spellings of a name are one user. The setting `NAMES`.
package enum Names: Int, Sendable {
  /// Two names are one only if every byte agrees.
  case exact
  /// Case, and blanks around a name, make no other user.
  case fold

  /// What a user is looked up by: equal for all spellings that are one user. Every part of the
  /// project asks here.
  package func key(of name: [UInt8]) -> [UInt8] {
    let key = self == .exact ? name : folded(name)
    if !key.isEmpty { return key }
    return Array(self == .exact ? "UNDEF".utf8 : "undef".utf8)
  }
}
