import System

/// A line of a config file, to be named in a message.
package struct ConfigPlace: Equatable, Sendable, CustomStringConvertible {
  /// The file it stands in: the config or one that it includes.
  package let file: String
  /// The line, counted from 1.
  package let line: Int

  /// `/etc/openvpn/server/a.conf:12`
  package var description: String { "\(printable(file.utf8)):\(line)" }
}

/// A value out of a config file, with its place.
package struct Located<Value: Equatable & Sendable>: Equatable, Sendable {
  package let value: Value
  package let place: ConfigPlace
}

/// What an OpenVPN config file says that metering depends on. Where a line stands twice, the last
/// one counts, as in OpenVPN; of `management` see there.
package struct ServerConfig: Equatable, Sendable {
  /// The address that `management` lines come to. Several of them add up (`add_option`, options.c;
  /// tried): the last one names the place, but a `unix` and a password file of an earlier line stay.
  package struct Management: Equatable, Sendable {
    /// Where it listens; the path of a unix socket is resolved.
    package let address: ManagementEndpoint.Address
    /// The file with the password, resolved like the socket's path; nil for none, and for one
    /// that was typed when OpenVPN started.
    package let passwordFile: String?
  }

  /// The values of `verify-client-cert`; `require` holds where it is not set.
  package enum ClientCertificate: String, Sendable { case none, optional, require }

  package let file: String
  /// The config file and those that it includes, in the order in which they are read.
  package internal(set) var files: [String] = []
  /// Where OpenVPN looks relative paths up: the file's directory, or what the last `cd` says.
  package internal(set) var directory: String
  /// Whether clients can connect to it: `server`, `server-bridge`, `server-ipv6`, `mode server`.
  package internal(set) var isServer = false
  /// Whether it connects to a server: `client`, `tls-client`, `remote`.
  var isClient = false
  /// Whether its `dev` or `dev-type` is tap.
  package internal(set) var isTap = false
  /// The name of its device, if `dev` says more than the kind: OpenVPN takes a free one then.
  package internal(set) var device: String?
  /// Where its management interface is; nil if it has none, or dials out.
  package internal(set) var management: Located<Management>?
  package internal(set) var managementLines: [ConfigPlace] = []
  /// The user it gives up root for; hooks run as that user.
  package internal(set) var user: Located<String>?
  /// The group it gives up root for.
  package internal(set) var group: Located<String>?
  /// The directory that is the root directory of hooks.
  package internal(set) var chroot: Located<String>?
  package internal(set) var duplicateCN: ConfigPlace?
  /// OpenVPN passes packets from client to client itself.
  package internal(set) var clientToClient: ConfigPlace?
  /// The login name takes the place of the certificate's.
  package internal(set) var usernameAsCommonName: ConfigPlace?
  /// Whether clients bring a certificate: `verify-client-cert`, and what 2.3 had for it.
  package internal(set) var clientCertificate: Located<ClientCertificate>?
  /// What checks logins: `auth-user-pass-verify`, else `plugin` or `management-client-auth`.
  package internal(set) var loginCheck: ConfigPlace?
  /// The words of the `auth-user-pass-verify` command, its program first, and how it is told the
  /// password: `via-file` or `via-env`.
  package internal(set) var passwordCheck: Located<[String]>?
  package internal(set) var passwordMethod: String?
  /// The paths of its plugins, which may check passwords too.
  package internal(set) var plugins: [Located<String>] = []
  package internal(set) var optionalLogin: ConfigPlace?
  /// The words of the `client-connect` command, its program first.
  package internal(set) var clientConnect: Located<[String]>?
  /// The words of the `client-disconnect` command, its program first.
  package internal(set) var clientDisconnect: Located<[String]>?
  /// 0 to 3; hooks run from 2 on, and 1 is what OpenVPN takes where it is not set.
  package internal(set) var scriptSecurity: Located<Int>?
  /// The server would restart with every disconnect from its management interface.
  package internal(set) var managementSignal: ConfigPlace?
  /// The server dials out to its management client, and exits when that hangs up.
  package internal(set) var managementClient: ConfigPlace?
  /// The server waits at its start for a management client to release it.
  package internal(set) var managementHold: ConfigPlace?
  /// A management client that never leaves takes part in every login.
  package internal(set) var managementClientAuth: ConfigPlace?
  /// The only user that may connect to the management socket.
  package internal(set) var managementClientUser: Located<String>?
  /// The only primary group that may connect to the management socket.
  package internal(set) var managementClientGroup: Located<String>?

  /// Reads a config file and what it includes.
  ///
  /// Paths in it are relative to its directory, where the systemd units of Debian and upstream
  /// start OpenVPN, and to what `cd` says from its line on.
  ///
  /// - Throws: `ConfigError` for a file that cannot be read, and for what OpenVPN would not start
  ///   with if this is a server's config: another program's file is no server, whatever stands in it.
  ///   Directives that do not matter here are not looked at.
  package init(
    file: String, read: (String) throws(SystemError) -> [UInt8]
  ) throws(ConfigError) {
    self.file = file
    directory = System.directory(of: file)
    var reader = ConfigReader(directory: directory)
    try reader.readFile(file, into: &self, using: read)
    try reader.finish(&self)
  }
}

/// Why a config file cannot be used.
package enum ConfigError: Error, Equatable, CustomStringConvertible {
  /// It, or a file that it includes, cannot be read; and whether it is known to be a server's.
  case unreadable(SystemError, ofServer: Bool)
  /// A line that OpenVPN, or the metering, can do nothing with.
  case mistake(ConfigPlace, what: String)

  package var description: String {
    switch self {
    case .unreadable(let error, _): printable(error.description.utf8)
    case .mistake(let place, let what): "\(place): \(what)"
    }
  }
}
