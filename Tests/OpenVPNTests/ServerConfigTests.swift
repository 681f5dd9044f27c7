import System
import Testing

@testable import OpenVPN

/// Reads a config from texts instead of files; `/etc/openvpn/a.conf` is the first.
private func config(
  _ text: String, _ others: [String: String] = [:]
) throws(ConfigError) -> ServerConfig {
  let files = others.merging(["/etc/openvpn/a.conf": text]) { one, _ in one }
  return try ServerConfig(file: "/etc/openvpn/a.conf") { path throws(SystemError) in
    guard let text = files[path] else { throw SystemError("open", path, code: 2) }
    return Array(text.utf8)
  }
}

@Suite struct `A server config` {
  @Test func `is read as OpenVPN reads it`() throws {
    // OpenVPN 2.6.14 was started with this config, and printed what it had understood.
    let read = try config(
      """
      # comment
      ;another "unclosed
        --dev tap9  # trailing
      mode server
      <ca>
      management "from inside a block
        </ca>
      client-connect "/bin/true first"
      cd sub
      config inc.conf
      client-disconnect '/bin/echo "a b" c'
      management "m x.sock" unix ../pw
      script-security 2
      user nobody
      user "root"
      management-hold
      setenv foo bar \\

      """,
      [
        "/etc/openvpn/sub/inc.conf": """
        client-connect "/bin/echo 'two words' plain"
        management inc.sock unix
        """
      ])
    #expect(read.isServer)
    #expect(read.isTap)
    #expect(read.management?.value.address == .unix("/etc/openvpn/sub/m x.sock"))
    #expect(read.management?.value.passwordFile == "/etc/openvpn/sub/../pw")
    #expect(read.management?.place.description == "/etc/openvpn/a.conf:12")
    #expect(read.user?.value == "root")
    #expect(read.user?.place.line == 15)
    #expect(read.group == nil)
    #expect(read.clientConnect?.value == ["/bin/echo", "two words", "plain"])
    #expect(read.clientConnect?.place.description == "/etc/openvpn/sub/inc.conf:1")
    #expect(read.clientDisconnect?.value == ["/bin/echo", "a b", "c"])
    #expect(read.scriptSecurity?.value == 2)
    #expect(read.managementHold?.line == 16)
    #expect(read.duplicateCN == nil)
    #expect(read.files == ["/etc/openvpn/a.conf", "/etc/openvpn/sub/inc.conf"])
    #expect(read.directory == "/etc/openvpn/sub")
  }

  @Test(arguments: [
    ("management /run/x.sock unix", ManagementEndpoint.Address.unix("/run/x.sock")),
    ("management /run//./x.sock unix", .unix("/run/x.sock")),
    ("management x.sock unix", .unix("/etc/openvpn/x.sock")),
    ("management 127.0.0.1 7505", .tcp(host: "127.0.0.1", port: 7505)),
    ("management ::1 7505", .tcp(host: "::1", port: 7505)),
    ("management LocalHost 7505", .tcp(host: "localhost", port: 7505)),
    ("management 1.1.1.1 1\r\nmanagement /run/x unix\r", .unix("/run/x")),
  ])
  func `has its management address`(line: String, address: ManagementEndpoint.Address) throws {
    #expect(try config("mode server\n" + line).management?.value.address == address)
  }

  @Test func `has the password file, but none for the word stdin`() throws {
    let file = try config("server 10.8.0.0 255.255.255.0\nmanagement ::1 7505 pw").management
    #expect(file?.value.passwordFile == "/etc/openvpn/pw")
    let asked = try config("server 10.8.0.0 255.255.255.0\nmanagement ::1 7505 stdin").management
    #expect(asked?.value.passwordFile == nil)
    #expect(asked != nil)
  }

  @Test(arguments: [
    "management x", "management", "management ::1 0", "management ::1 70000",
    "management ::1 http", "management tunnel 7505", "management ::1 -1",
  ])
  func `names the line of a management address that cannot be used`(line: String) {
    #expect {
      try config("mode server\n\n" + line)
    } throws: { error in
      "\(error)".hasPrefix("/etc/openvpn/a.conf:3: ")
    }
  }

  @Test(arguments: [
    "server 10.8.0.0 255.255.255.0", "server-bridge", "server-ipv6 fd00::/64", "mode server",
    "--mode server",
  ])
  func `is one by any of its directives`(line: String) throws {
    #expect(try config(line).isServer)
  }

  @Test(arguments: [
    "client", "mode p2p", "tls-server", "# server", "remote server", "",
    "<connection>\nserver 1 2\n</connection>",
  ])
  func `of a client is none`(line: String) throws {
    #expect(try !config(line).isServer)
  }

  @Test func `has its flags with their lines`() throws {
    let read = try config(
      """
      duplicate-cn
      username-as-common-name
      management-signal
      management-client
      management-client-auth
      management-client-user root
      management-client-group adm
      group nogroup
      dev-type tap
      """)
    #expect(read.device == nil)
    #expect(try config("dev tun7").device == "tun7" && config("dev tun").device == nil)
    #expect(try config("dev office\ndev-type tun").device == "office")
    #expect(read.duplicateCN?.line == 1)
    #expect(try config("client-to-client").clientToClient?.line == 1)
    #expect(read.usernameAsCommonName?.line == 2)
    #expect(read.managementSignal?.description == "/etc/openvpn/a.conf:3")
    #expect(read.managementClient?.line == 4)
    #expect(read.managementClientAuth?.line == 5)
    #expect(read.managementClientUser?.value == "root")
    #expect(read.managementClientGroup?.value == "adm")
    #expect(read.group?.value == "nogroup")
    #expect(read.isTap)
  }

  @Test func `may begin with a byte order mark`() throws {
    #expect(try config("\u{FEFF}mode server").isServer)
  }

  @Test func `that includes itself ends`() throws {
    let read = try config("config a.conf\nconfig a.conf\nmode server")
    #expect(read.isServer)
  }

  @Test func `with a file it includes missing names that file`() {
    let missing = SystemError("open", "/etc/openvpn/b.conf", code: 2)
    #expect(throws: ConfigError.unreadable(missing, ofServer: false)) {
      try config("config b.conf")
    }
    #expect(throws: ConfigError.unreadable(missing, ofServer: true)) {
      try config("config b.conf\nmode server")
    }
  }

  @Test func `with a mistake names file and line`() {
    #expect(
      throws: ConfigError.mistake(
        ConfigPlace(file: "/etc/openvpn/b.conf", line: 2), what: "a quotation is not closed")
    ) {
      try config("mode server\nconfig b.conf", ["/etc/openvpn/b.conf": "\nuser \"x"])
    }
    #expect(
      throws: ConfigError.mistake(
        ConfigPlace(file: "/etc/openvpn/a.conf", line: 2), what: "this block is not closed")
    ) {
      try config("mode server\n<key>\nxyz")
    }
  }
}

/// As OpenVPN 2.6.14 printed at `verb 4`: management_addr, management_port, management_user_pass and
/// management_flags.
@Suite struct `Several management lines` {
  @Test(
    arguments: [
      ("management a unix pw\nmanagement b 7505", "unix:/etc/openvpn/b", "/etc/openvpn/pw"),
      ("management 127.0.0.1 7505 pw\nmanagement b unix", "unix:/etc/openvpn/b", "/etc/openvpn/pw"),
      (
        "management 127.0.0.1 1 pw\nmanagement 127.0.0.1 2 new\nmanagement 127.0.0.1 3",
        "tcp:127.0.0.1:3", "/etc/openvpn/new"
      ),
      ("management a unix pw\nmanagement b unix stdin", "unix:/etc/openvpn/b", nil),
    ])
  func `add up as in OpenVPN`(lines: String, address: String, password: String?) throws {
    let read = try config("mode server\n" + lines)
    #expect(read.management.map { "\($0.value.address)" } == address)
    #expect(read.management?.value.passwordFile == password)
  }

  @Test func `fail where one of them has no port`() {
    #expect(throws: ConfigError.self) {
      try config("mode server\nmanagement a\nmanagement b unix")
    }
  }
}

@Suite struct `The setting MANAGEMENT` {
  @Test func `lists servers with and without names and passwords`() throws {
    let list = try ManagementEndpoint.list(
      fromSetting: """
        unix:/run/openvpn-quota/udp.sock  tcp:127.0.0.1:7505
        office=tcp:[FD00::1]:7505,password-file=/etc/pw=1,a home=unix:/run/a=b.sock
        """)
    #expect(list.map(\.name) == ["udp", "127.0.0.1:7505", "office", "home"])
    #expect(
      list.map(\.address) == [
        .unix("/run/openvpn-quota/udp.sock"), .tcp(host: "127.0.0.1", port: 7505),
        .tcp(host: "fd00::1", port: 7505), .unix("/run/a=b.sock"),
      ])
    #expect(list.map(\.passwordFile) == [nil, nil, "/etc/pw=1,a", nil])
    #expect(list[2].address.description == "tcp:[fd00::1]:7505")
    #expect(try ManagementEndpoint.list(fromSetting: " \t ").isEmpty)
  }

  @Test func `with one entry twice is one server`() throws {
    let list = try ManagementEndpoint.list(fromSetting: "a=unix:/run/x a=unix:/run//x tcp:h:1")
    #expect(list.map(\.name) == ["a", "h:1"])
  }

  @Test(arguments: [
    "/run/x", "unix:run/x", "unix:", "tcp:1", "tcp::1", "tcp:h:", "tcp:h:0", "tcp:h:65536",
    "tcp:h:x", "tcp:::1:7505", "tcp:[]:1", "tcp:[::1:1", "udp:h:1", "a=", "a=b=unix:/x", "a",
  ])
  func `says what an entry may be`(entry: String) {
    #expect(throws: ManagementSettingError(entry[...], .noAddress)) {
      try ManagementEndpoint.list(fromSetting: "unix:/ok \(entry)")
    }
  }

  @Test(arguments: [
    ("=unix:/x", ManagementSettingError.Reason.emptyName), ("unix:/x,", .unknownOption),
    ("unix:/x,password=/x", .unknownOption), ("unix:/x,password-file=x", .unknownOption),
    ("unix:/a/ok", .nameTwice("ok")), ("b=unix:/ok", .addressTwice("ok")),
  ])
  func `says what is wrong with an entry`(
    entry: String, reason: ManagementSettingError.Reason
  ) {
    #expect(throws: ManagementSettingError(entry[...], reason)) {
      try ManagementEndpoint.list(fromSetting: "unix:/ok \(entry)")
    }
  }

  @Test func `repeats a bad entry in a form that is safe to print`() {
    #expect(
      ManagementSettingError("x\u{1B}[2J", .noAddress).description
        == "x\\x1B[2J: an entry is [NAME=]unix:/PATH or [NAME=]tcp:HOST:PORT, "
        + "an IPv6 address in brackets")
  }
}
