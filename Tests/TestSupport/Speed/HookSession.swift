/// A session as OpenVPN 2.6 tells its hooks of it, in as many variables.
package struct HookSession {
  package let name: String
  /// What tells it from others: its port, its addresses and the second it began in.
  package let number: Int

  package init(_ name: String, number: Int) {
    self.name = name
    self.number = number
  }

  /// What the connect hook is told.
  package var connecting: [String: String] {
    Self.constant.merging([
      "script_type": "client-connect", "common_name": name,
      "untrusted_ip": "192.0.2.1", "untrusted_port": "\(20_000 + number % 40_000)",
      "trusted_ip": "192.0.2.1", "trusted_port": "\(20_000 + number % 40_000)",
      "ifconfig_pool_remote_ip": "10.98.\(number >> 8 & 0xFF).\(number & 0xFF)",
      "time_unix": "\(1_795_466_205 + number)", "time_ascii": "2026-11-23 20:36:45",
      "X509_0_CN": name, "tls_id_0": "CN=\(name)",
      "client_connect_config_file": "/tmp/openvpn_cc_\(number).tmp",
      "client_connect_deferred_file": "/tmp/openvpn_ccr_\(number).tmp",
    ]) { $1 }
  }

  /// What the disconnect hook is told.
  package func disconnecting(received: Int, sent: Int) -> [String: String] {
    connecting.merging([
      "script_type": "client-disconnect", "bytes_received": "\(received)",
      "bytes_sent": "\(sent)", "time_duration": "60",
    ]) { $1 }
  }

  /// Of the server, and of what hooks do not read.
  private static let constant = [
    "daemon": "1", "daemon_pid": "4711", "daemon_start_time": "1795460000",
    "daemon_log_redirect": "0", "config": "server.conf", "verb": "3", "dev": "tun0",
    "dev_type": "tun", "tun_mtu": "1500", "script_context": "init", "redirect_gateway": "0",
    "ifconfig_local": "10.98.0.1", "ifconfig_netmask": "255.255.0.0",
    "ifconfig_pool_netmask": "255.255.0.0", "proto_1": "udp", "local_port_1": "1194",
    "remote_port_1": "1194", "X509_1_CN": "Example CA", "tls_id_1": "CN=Example CA",
    "tls_serial_0": "4711", "tls_serial_hex_0": "12:67",
    "tls_digest_0": "3f:a4:09:5c:77:e1:08:d2:6b:90:41:fe:2d:83:cc:15:ba:6e:07:99",
    "tls_digest_sha256_0": "3f:a4:09:5c:77:e1:08:d2:6b:90:41:fe:2d:83:cc:15:"
      + "3f:a4:09:5c:77:e1:08:d2:6b:90:41:fe:2d:83:cc:15",
    "IV_VER": "2.6.14", "IV_PLAT": "linux", "IV_TCPNL": "1", "IV_MTU": "1600", "IV_NCP": "2",
    "IV_CIPHERS": "AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305", "IV_PROTO": "990",
    "IV_LZO_STUB": "1", "IV_COMP_STUB": "1",
  ]
}
