/// Where things are if nothing else is said.
package enum InstalledPaths {
  /// The settings.
  package static let settings = "/etc/openvpn-quota/quota.conf"
  /// The database; its directory is the state directory.
  package static let database = "/var/lib/openvpn-quota/quota.db"
}
