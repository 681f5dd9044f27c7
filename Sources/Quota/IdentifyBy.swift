/// Which of a client's names is its user's. The setting `IDENTIFY_BY`.
package enum IdentifyBy: Int, Sendable {
  /// The common name of its certificate; the name it logged in with where there is none, as without
  /// client certificates.
  case auto
  /// The common name of its certificate.
  case commonName
  /// The name it logged in with.
  case username

  /// The user's name; empty where the client has none.
  package func name(commonName: [UInt8], username: [UInt8]) -> [UInt8] {
    switch self {
    case .auto: commonName.isEmpty ? username : commonName
    case .commonName: commonName
    case .username: username
    }
  }
}
