/// Which session it is: server process, connected-since and virtual address, with the boot, because
/// process ids and clocks repeat.
///
/// Neither names (a renegotiation changes them) nor the real address (clients float) nor the client
/// id (it restarts at 0) identify a session.
package struct SessionIdentity: Hashable, Sendable {
  /// The boot the server runs under, see `Boot.current`.
  package let boot: Int64
  /// The server's process id as it states it itself.
  package let pid: Int64
  /// Seconds since 1970 in UTC at which the session began: `time_unix`, `Connected Since (time_t)`.
  package let connectedSince: Int64
  /// The address inside the tunnel: IPv4, or IPv6 where there is no IPv4.
  package let address: String

  package init(boot: Int64, pid: Int64, connectedSince: Int64, address: String) {
    self.boot = boot
    self.pid = pid
    self.connectedSince = connectedSince
    self.address = address
  }

  /// The same session under another address.
  package func moved(to address: String) -> SessionIdentity {
    SessionIdentity(boot: boot, pid: pid, connectedSince: connectedSince, address: address)
  }
}
