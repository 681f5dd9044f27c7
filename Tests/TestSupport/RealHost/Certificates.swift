import Foundation

/// A certificate authority that lasts as long as a host.
///
/// All certificates share one elliptic-curve key: it proves nothing to anybody but a test, and
/// spares making one for each name.
final class Certificates {
  let authority: String
  let key: String
  private let folder: String
  private var issued: [String: String] = [:]

  init(in folder: String) throws {
    self.folder = folder
    authority = folder + "/authority.pem"
    key = folder + "/key.pem"
    try openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key])
    try openssl([
      "req", "-new", "-x509", "-key", key, "-subj", "/CN=authority", "-days", "30",
      "-out", authority,
    ])
  }

  /// Gives the path of the certificate with a common name, which may hold any printable text.
  func certificate(for name: String) throws -> String {
    if let path = issued[name] { return path }
    let path = "\(folder)/certificate-\(issued.count).pem"
    let subject = name.reduce(into: "/CN=") { text, character in
      if "/\\+".contains(character) { text.append("\\") }
      text.append(character)
    }
    try openssl(["req", "-new", "-utf8", "-key", key, "-subj", subject, "-out", path + ".csr"])
    try openssl([
      "x509", "-req", "-in", path + ".csr", "-CA", authority, "-CAkey", key,
      "-set_serial", String(issued.count + 2), "-days", "30", "-out", path,
    ])
    issued[name] = path
    return path
  }

  private func openssl(_ arguments: [String]) throws {
    let outcome = try Program.run("openssl", arguments)
    guard outcome.status == 0 else {
      throw RealHostError("openssl \(arguments.joined(separator: " ")): \(outcome.errors)")
    }
  }
}
