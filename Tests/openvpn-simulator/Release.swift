/// The OpenVPN release line whose habits are taken on.
struct Release {
  /// The number behind `2.`.
  let minor: Int

  init(minor: Int) { self.minor = minor }

  init?(_ name: String) {
    guard let minor = (3...7).first(where: { name == "2.\($0)" }) else { return nil }
    self.minor = minor
  }

  /// As in the listing's title.
  var title: String {
    let patch = [3: 18, 4: 12, 5: 11, 6: 14, 7: 6][minor, default: 0]
    let builtWith = "[SSL (OpenSSL)] [LZO] [LZ4] [EPOLL] [PKCS11] [MH/PKTINFO] [AEAD]"
    return "OpenVPN 2.\(minor).\(patch) x86_64-pc-linux-gnu \(builtWith)"
  }

  /// The number in the greeting.
  var managementVersion: Int { [3: 1, 4: 1, 5: 3, 6: 5, 7: 6][minor, default: 5] }

  /// Whether times for people read `2026-11-23 20:36:45`, and not as `ctime` writes them.
  var writesISOTimes: Bool { minor >= 5 }

  /// Whether client-disconnect runs even for a client that client-connect has just refused.
  var tellsOfRefusals: Bool { minor >= 6 }

  /// Whether one more `client-kill` starts the lingering over (until 2.6.11).
  var killAgainProlongs: Bool { minor <= 5 }

  /// Whether an unknown client id is told of in two lines.
  var refusesTwice: Bool { minor >= 7 }

  var listsIDs: Bool { minor >= 4 }
  var listsCiphers: Bool { minor >= 5 }
  var listsOffload: Bool { minor >= 6 }

  /// Whether one server may listen at several places, each with numbered variables for the hooks.
  var listensTwice: Bool { minor >= 7 }

  /// Whether real addresses carry the protocol, and `kill` wants one before an address.
  var namesProtocols: Bool { minor >= 7 }
}

/// The address a client sends from.
struct Endpoint: Equatable {
  var host: String
  var port: UInt16

  init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Reads `192.0.2.1:1194` or `[2001:db8::1]:1194`.
  init(_ text: String) throws {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...])
    else { throw OptionError("'\(text)' is not IP:PORT") }
    let host = text[..<colon]
    self.host = String(host.hasPrefix("[") ? host.dropFirst().dropLast() : host)
    self.port = port
  }

  var isIPv6: Bool { host.contains(":") }

  /// As a listing of this release shows it.
  func listed(by release: Release, dualStack: Bool) -> String {
    switch (release.namesProtocols, isIPv6) {
    case (false, false): "\(host):\(port)"
    case (false, true): host
    case (true, false): dualStack ? "udp6:\(host):\(port)" : "udp4:\(host):\(port)"
    case (true, true): "udp6:[\(host)]:\(port)"
    }
  }
}
