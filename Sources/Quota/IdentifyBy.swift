/// Which of a client's names is its user's. The setting `IDENTIFY_BY`.
package enum IdentifyBy: Int, Sendable {
  /// The common name of its certificate.
  case commonName
  /// The name it logged in with.
  case username
}
