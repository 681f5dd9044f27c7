import System

enum Systemd {
  static var isRunning: Bool { (try? FileStatus(of: "/run/systemd/system")) != nil }

  static var sweepCommand: String {
    isRunning ? "systemctl start quota-sweep" : "quota-sweep --verbose"
  }

  static func isActive(_ unit: String) -> Bool {
    properties(of: unit, ["ActiveState"])["ActiveState"] == "active"
  }

  static func properties(of unit: String, _ names: [String]) -> [String: String] {
    let command = ["systemctl", "show", "--property", names.joined(separator: ","), unit]
    guard let output = try? System.output(of: command) else { return [:] }
    var values: [String: String] = [:]
    for line in String(decoding: output, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
    }
    return values
  }
}

/// What starts an OpenVPN server: its packages have a systemd unit for each of two places of configs.
struct OpenVPNUnit {
  /// Its name, such as `openvpn-server@udp`; nil where we know of none.
  let name: String?
  private let server: String

  /// - Parameter systemdRuns: whether there are units at all.
  init(config: String, systemdRuns: Bool = Systemd.isRunning) {
    server = fileStem(of: config)
    switch directory(of: config) {
    case "/etc/openvpn/server" where systemdRuns: name = "openvpn-server@\(server)"
    case "/etc/openvpn" where systemdRuns: name = "openvpn@\(server)"
    default: name = nil
    }
  }

  var isActive: Bool? { name.map(Systemd.isActive) }

  /// The command that starts or restarts it, or what to do in words.
  func command(_ verb: String) -> String {
    name.map { "systemctl \(verb) \($0)" } ?? "\(verb) the server \(server)"
  }
}
