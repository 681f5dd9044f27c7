import Glibc

/// The variables of both hooks, in OpenVPN's own order as far as it has one.
struct HookEnvironment {
  var variables: [(name: Text, value: Text)] = []

  /// - Parameter started: when the server was started, in seconds since 1970.
  init(
    _ kind: String, of session: Session, options: Options, started: Int64, configFile: String?
  ) {
    let release = options.release
    set("common_name", session.listedName)
    if let username = session.username { set("username", username) }
    for (prefix, endpoint) in [("trusted", session.endpoint), ("untrusted", session.origin)] {
      set("\(prefix)_ip\(endpoint.isIPv6 ? "6" : "")", endpoint.host)
      set("\(prefix)_port", "\(endpoint.port)")
    }
    if !session.address.isEmpty {
      set("ifconfig_pool_remote_ip", session.address)
      set("ifconfig_pool_netmask", "255.248.0.0")
    }
    if !session.address6.isEmpty {
      set("ifconfig_pool_remote_ip6", session.address6)
      set("ifconfig_pool_local_ip6", "fd00::1")
      set("ifconfig_pool_ip6_netbits", "64")
    }
    set("ifconfig_local", "10.8.0.1")
    set("ifconfig_netmask", "255.248.0.0")
    set("time_unix", "\(session.since)")
    set("time_ascii", TimeWriter(release).text(session.since))
    set("daemon", "0")
    set("daemon_pid", "\(options.processID)")
    set("daemon_start_time", "\(started)")
    set("daemon_log_redirect", "0")
    set("config", options.config)
    set("verb", "3")
    set("dev", "tun0")
    set("dev_type", "tun")
    set("tun_mtu", "1500")
    if release.minor <= 5 { set("link_mtu", "1621") }
    set("script_type", kind)
    set("script_context", "init")
    set("redirect_gateway", "0")
    set("proto_1", "udp")
    set("local_port_1", "1194")
    set("remote_port_1", "1194")
    if release.listensTwice {
      set("local_1", "10.77.0.1")
      set("proto_2", "tcp-server")
      set("local_2", "10.77.0.1")
      set("local_port_2", "1194")
      set("remote_port_2", "1194")
    }
    set("X509_1_CN", "simulated CA")
    set("X509_0_CN", session.owner)
    set("tls_id_1", "CN=simulated CA")
    set("tls_id_0", Text("CN=".utf8) + session.owner)
    set("tls_serial_0", "\(session.serial)")
    set("tls_serial_hex_0", String(session.serial, radix: 16))
    set("tls_digest_0", Self.digest(of: 20, session.serial))
    set("tls_digest_sha256_0", Self.digest(of: 32, session.serial))
    set("IV_VER", "2.6.14")
    set("IV_PLAT", "linux")
    set("IV_TCPNL", "1")
    set("IV_MTU", "1600")
    set("IV_NCP", "2")
    set("IV_CIPHERS", "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305")
    set("IV_PROTO", "990")
    set("IV_LZO_STUB", "1")
    set("IV_COMP_STUB", "1")
    if let configFile {
      set("client_connect_config_file", configFile)
      set("client_connect_deferred_file", configFile + "_deferred")
    }
  }

  /// Adds what is known only at the end.
  mutating func setFinalCounters(of session: Session, duration: Int64) {
    set("bytes_received", "\(session.received)")
    set("bytes_sent", "\(session.sent)")
    set("time_duration", "\(duration)")
  }

  mutating func set(_ name: String, _ value: Text) {
    unset(name)
    variables.append((Text(name.utf8), value))
  }

  mutating func unset(_ name: String) {
    let name = Text(name.utf8)
    variables.removeAll { $0.name == name }
  }

  private mutating func set(_ name: String, _ value: String) {
    variables.append((Text(name.utf8), Text(value.utf8)))
  }

  /// Bytes in the shape of a certificate's digest.
  private static func digest(of count: Int, _ seed: Int) -> String {
    (0..<count).map { index in
      let digits = String((index * 37 + seed * 11) & 0xFF, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined(separator: ":")
  }
}
