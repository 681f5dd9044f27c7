import Ledger
import OpenVPN
import Quota
import Support

/// What a server's config lets in that has no name for `IDENTIFY_BY`: all such clients are one user,
/// `UNDEF`.
package struct NamelessClients: Equatable, Sendable {
  /// Whether no client of the server has a name; otherwise those that leave out certificate or login.
  package let areAll: Bool
  /// What lets them in, such as `/etc/openvpn/server/a.conf:12`.
  package let cause: String

  /// A line for people, without the server's name.
  package var text: String {
    let who = areAll ? "its clients have no name" : "clients can come in without a name"
    return "\(who) by IDENTIFY_BY (\(cause)): all of them are the one user UNDEF"
  }
}

extension ServerConfig {
  /// The clients that this server lets in without a name; nil where each has one.
  package func namelessClients(by identifyBy: IdentifyBy) -> NamelessClients? {
    let certificate = clientCertificate?.value ?? .require
    // A plugin may be another kind of plugin; then OpenVPN refuses to start without certificates.
    let login = loginCheck == nil ? nil : optionalLogin
    switch identifyBy {
    case .username:
      if loginCheck == nil {
        return NamelessClients(areAll: true, cause: "\(file) checks no logins")
      }
      return login.map { NamelessClients(areAll: false, cause: "\($0)") }
    case .commonName where usernameAsCommonName == nil:
      guard let line = clientCertificate, certificate != .require else { return nil }
      return NamelessClients(areAll: certificate == .none, cause: "\(line.place)")
    case .auto, .commonName:
      if certificate == .require { return nil }
      return login.map { NamelessClients(areAll: false, cause: "\($0)") }
    }
  }
}

extension Ledger {
  /// Says which users' names are one by `NAMES=fold`; nil for none.
  package func namesakesInWords() throws -> String? {
    let groups = try users.namesakes()
    if groups.isEmpty { return nil }
    let most = 5
    let names = groups.prefix(most).map { group in
      group.map { Escaping.name($0.bytes) }.joined(separator: ", ")
    }
    let rest = groups.count > most ? "; and \(groups.count - most) more" : ""
    return
      "by NAMES=fold these are one name: \(names.joined(separator: "; "))\(rest): the first of each "
      + "gets all new sessions; rename or remove the others"
  }
}
