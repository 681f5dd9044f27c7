import Foundation

/// The OpenVPN of a host's servers and clients.
package enum OpenVPNProgram: Sendable {
  /// The one that `QUOTA_OPENVPN` names, else the machine's own.
  case usual
  /// 2.7 or later, which `.ci/newer-openvpn` makes.
  case newer

  /// A path, or a name that is looked up in `PATH`.
  package var path: String {
    switch self {
    case .usual: ProcessInfo.processInfo.environment["QUOTA_OPENVPN"] ?? "openvpn"
    case .newer: OpenVPNProgram.checkout + "/.build/newer-openvpn/openvpn"
    }
  }

  /// Whether it is of the release 2.7 or a later one.
  package var is27: Bool {
    get throws {
      let said = try Program.run(path, ["--version"]).output
      guard let match = said.firstMatch(of: /^OpenVPN 2\.([0-9]+)/), let minor = Int(match.1) else {
        throw RealHostError("\(path) is no OpenVPN 2: \(said)")
      }
      return minor >= 7
    }
  }

  private static var checkout: String {
    (1...4).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent }
  }
}
