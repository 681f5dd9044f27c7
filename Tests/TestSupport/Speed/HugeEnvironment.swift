import Foundation

/// Starts a hook with the variables OpenVPN gives one, as large as the system takes them.
///
/// The kernel allows 128 KiB a variable, and together a quarter of the stack's limit; a shell with
/// a larger limit sets them.
package struct HugeEnvironment {
  /// Beyond the variables that name a session.
  private static let names =
    """
    trusted_ip trusted_port untrusted_ip untrusted_port ifconfig_pool_netmask \
    ifconfig_pool_local_ip6 ifconfig_pool_ip6_netbits ifconfig_local ifconfig_netmask time_ascii \
    daemon daemon_start_time daemon_log_redirect config verb dev dev_type tun_mtu link_mtu \
    script_context redirect_gateway proto_1 local_port_1 remote_port_1 X509_0_CN X509_0_O \
    X509_1_CN tls_id_0 tls_id_1 tls_serial_0 tls_serial_hex_0 tls_digest_0 tls_digest_sha256_0 \
    IV_VER IV_PLAT IV_PROTO IV_CIPHERS IV_TCPNL IV_MTU IV_NCP IV_LZO IV_LZO_STUB IV_COMP_STUB \
    IV_SSL IV_GUI_VER UV_ID client_connect_config_file
    """.split(separator: " ")

  private let folder: TemporaryDirectory
  /// The shell's script; the command to start stands behind it.
  private let script: String

  /// - Parameters:
  ///   - size: bytes in each of the variables that do not matter.
  ///   - session: those that name the session, and how it ended.
  package init(size: Int, session: [String: String]) throws {
    folder = try TemporaryDirectory()
    let large = String(repeating: "x", count: size)
    var lines = ["ulimit -s 65536"]
    lines += Self.names.map { "export \($0)=\(large)" }
    lines += session.sorted { $0.key < $1.key }.map { "export \($0.key)='\($0.value)'" }
    lines.append("exec \"$@\"")
    script = try folder.write(lines.joined(separator: "\n") + "\n", to: "script")
  }

  /// The words to put before the hook's command line.
  package var prefix: [String] { ["/bin/sh", script] }
}
