import System
import Testing

@testable import OpenVPN

private let file = "/etc/openvpn/server/udp.conf"
private let hooks = "/usr/libexec/openvpn-quota"

/// What `quota-admin setup` makes of the text of a config; every management line is one to keep.
private func setUp(
  _ text: String, hooks: String = hooks, atLogin: Bool = false,
  including others: [String: String] = [:]
) throws -> (config: ServerConfig, edit: ConfigEdit) {
  func read(_ text: [UInt8]) throws -> ServerConfig {
    try ServerConfig(file: file) { path throws(SystemError) in
      if path == file { return text }
      guard let other = others[path] else { throw SystemError("open", path, code: 2) }
      return Array(other.utf8)
    }
  }
  let wanted = try read(Array(text.utf8)).wantedLines(
    server: "udp", hooks: hooks, atLogin: atLogin
  ) { !$0.hasSuffix("/quota-conect") }
  let edit = ConfigEdit.settingUp(Array(text.utf8), of: file, wanted)
  return (try read(edit.text), edit)
}

private let configs = [
  "server 10.8.0.0 255.255.255.0\n", "mode server",
  "mode server\r\nuser nobody\r\ngroup nogroup\r\n",
  "mode server\r\ngroup nogroup\r\nuser nobody", "\u{FEFF}mode server\n",
  "mode server\nclient-connect /a\\ b\nclient-disconnect 'one two' # why\nscript-security 1\n",
  "mode server\nclient-connect \"/x \\\"two words\\\" 'three four' #5\"\nkeepalive 10 60\n",
  "mode server\n<ca>\nclient-connect /from/a/block\n# quota-admin setup\n</ca>\n",
  "client-connect /old\nmode server\nclient-connect /new --then /x\nmanagement a unix\n",
  "\n\n# comment\nmode server ; comment\n\n", "mode server\nuser openvpn\ngroup openvpn\n#end",
  "mode server\nmanagement 127.0.0.1 7505\nmanagement 127.0.0.1 7506 pw\n",
  "mode server\nsetenv a \u{C4}\n",
]

@Suite struct `Setting up a config` {
  @Test(arguments: configs)
  func `gives it all lines, once, and is taken back to the byte`(text: String) throws {
    let (config, edit) = try setUp(text)
    #expect(!edit.changesNothing)
    #expect(config.clientConnect?.value.prefix(3) == ["\(hooks)/quota-connect", "--server", "udp"])
    #expect(
      config.clientDisconnect?.value.prefix(3) == ["\(hooks)/quota-disconnect", "--server", "udp"])
    #expect(config.scriptSecurity?.value == 2)
    #expect(config.management != nil)
    #expect(config.user == nil || config.group?.value == "openvpn-quota")
    let written = String(decoding: edit.text, as: UTF8.self)
    let again = try setUp(written).edit
    #expect(again.changesNothing)
    let back = ConfigEdit.tearingDown(edit.text)
    #expect(String(decoding: back.text, as: UTF8.self) == text)
    #expect(ConfigEdit.tearingDown(back.text).changesNothing)
  }

  @Test func `shows what it changes, and leaves out what is far from it`() throws {
    let (_, edit) = try setUp(
      """
      server 10.8.0.0 255.255.255.0
      dev tun
      client-connect /etc/greet.sh
      keepalive 10 60
      persist-key
      ping-timer-rem
      persist-tun
      verb 3

      """)
    let shown = edit.difference().map { String(decoding: $0, as: UTF8.self) }
    #expect(
      shown.joined(separator: "\n")
        == """
         server 10.8.0.0 255.255.255.0
         dev tun
        -client-connect /etc/greet.sh
        +#quota-admin setup: client-connect /etc/greet.sh
        +client-connect "\(hooks)/quota-connect --server udp --then /etc/greet.sh" # quota-admin setup
         keepalive 10 60
         persist-key
        ...
         persist-tun
         verb 3
        +management /run/openvpn-quota/udp.sock unix # quota-admin setup
        +script-security 2 # quota-admin setup
        +client-disconnect "\(hooks)/quota-disconnect --server udp" # quota-admin setup
        """)
  }

  @Test(arguments: [
    ("/a\\ b", ["/a", "b"]), ("\"/a\\\\ b\"", ["/a b"]), ("'\"/a b\" c'", ["/a b", "c"]),
    ("\"/x '' '#y' z\\\\\\\\\"", ["/x", "", "#y", "z\\"]), ("rel/a.sh", ["rel/a.sh"]),
  ])
  func `keeps a server's script as OpenVPN reads its line`(value: String, words: [String]) throws {
    let (config, _) = try setUp("mode server\nclient-connect \(value)\n")
    #expect(config.clientConnect.map { Array($0.value.dropFirst(4)) } == words)
    #expect(config.clientConnect?.value[3] == "--then")
  }

  @Test func `overrides what an included file says, and leaves that file alone`() throws {
    let (config, edit) = try setUp(
      "mode server\nconfig hooks.inc\n",
      including: ["/etc/openvpn/server/hooks.inc": "client-connect /a\ngroup x\nuser y\n"])
    #expect(config.clientConnect?.place.file == file)
    #expect(config.clientConnect?.value.suffix(2) == ["--then", "/a"])
    #expect(config.group?.value == "openvpn-quota")
    #expect(edit.difference().allSatisfy { $0.first != UInt8(ascii: "-") })
  }

  @Test(arguments: [
    "client-connect \"sudo -u x \(hooks)/quota-connect --config /q\"",
    "client-connect \"/usr/libexec/openvpn-quota/quota-conect --config /q\"",
    "client-connect \"/usr/local/libexec/openvpn-quota/quota-connect --config /q\"",
    "client-connect \"\(hooks)/quota-connect --server other --config /q\"",
  ])
  func `puts a hook's line right and keeps its options`(line: String) throws {
    let (config, _) = try setUp("mode server\n\(line)\n")
    #expect(
      config.clientConnect?.value == [
        "\(hooks)/quota-connect", "--server", "udp", "--config", "/q",
      ])
  }

  @Test(arguments: configs)
  func `takes back to the byte what was set up twice, for hooks that have moved`(
    text: String
  ) throws {
    let first = try setUp(text, hooks: "/usr/local/libexec/openvpn-quota").edit
    let (config, second) = try setUp(String(decoding: first.text, as: UTF8.self))
    #expect(config.clientConnect?.value.first == "\(hooks)/quota-connect")
    let back = ConfigEdit.tearingDown(second.text)
    #expect(String(decoding: back.text, as: UTF8.self) == text)
  }

  @Test func `leaves a server alone that has it all`() throws {
    let (_, edit) = try setUp(
      """
      mode server
      management /run/x unix
      script-security 3
      client-connect "\(hooks)/quota-connect --then /a"
      client-disconnect \(hooks)/quota-disconnect

      """)
    #expect(edit.changesNothing)
    #expect(edit.difference().isEmpty)
  }

  /// The line as it stands, whether the reason at login is wanted, and as it becomes.
  @Test(arguments: [
    ("auth-user-pass-verify /a via-env", false, ["/a"]),
    (
      "auth-user-pass-verify '/a b' via-file", true,
      ["\(hooks)/quota-connect", "--server", "udp", "--then", "/a", "b"]
    ),
    (
      "auth-user-pass-verify /a via-file\nduplicate-cn\nusername-as-common-name", true,
      [
        "\(hooks)/quota-connect", "--server", "udp", "--username-as-common-name", "--duplicate-cn",
        "--then", "/a",
      ]
    ),
    (
      "auth-user-pass-verify \"/old/quota-connect --duplicate-cn --then /a\" via-env", false,
      ["\(hooks)/quota-connect", "--server", "udp", "--then", "/a"]
    ),
    (
      "auth-user-pass-verify /a via-env\nclient-connect \"\(hooks)/quota-connect --config /q\"",
      true,
      ["\(hooks)/quota-connect", "--config", "/q", "--server", "udp", "--then", "/a"]
    ),
  ])
  func `stands before the program that checks passwords if asked to`(
    lines: String, atLogin: Bool, words: [String]
  ) throws {
    let text = "mode server\n\(lines)\n"
    let (config, edit) = try setUp(text, atLogin: atLogin)
    #expect(config.passwordCheck?.value == words)
    #expect(config.passwordMethod == (lines.contains("via-env") ? "via-env" : "via-file"))
    #expect(try setUp(String(decoding: edit.text, as: UTF8.self)).edit.changesNothing)
    if words.count > 1, !lines.contains("quota-connect") {
      #expect(String(decoding: ConfigEdit.tearingDown(edit.text).text, as: UTF8.self) == text)
    }
  }

  @Test func `finds a line that OpenVPN would not read`() throws {
    func overlong(_ length: Int) throws -> [UInt8]? {
      let line = "client-connect /" + String(repeating: "x", count: length)
      let place = ConfigPlace(file: file, line: 1)
      let wanted = ConfigEdit.Wanted("client-connect \"/hook --then /x\"", inPlaceOf: [place])
      return ConfigEdit.settingUp(Array(line.utf8), of: file, [wanted]).overlongLine
    }
    // With "#quota-admin setup: " before it and its line feed it has 255 bytes.
    #expect(try overlong(218) == nil)
    #expect(try overlong(219) != nil)
  }
}

@Suite struct `Taking a config back` {
  @Test(arguments: [
    ("client-connect \"sudo \(hooks)/quota-connect\"", ""),
    ("client-connect \"/old/quota-connect --then /a\"", "client-connect \"/a\"\n"),
  ])
  func `frees a server of a hook's line that setup put right`(line: String, left: String) throws {
    let (_, edit) = try setUp("mode server\n\(line)\n")
    let back = ConfigEdit.tearingDown(edit.text)
    #expect(String(decoding: back.text, as: UTF8.self) == "mode server\n\(left)")
  }

  @Test(arguments: [
    ("client-connect \"\(hooks)/quota-connect\"", ""),
    (
      "client-connect \"\(hooks)/quota-connect --then /a 'b c'\"",
      "client-connect \"/a \\\"b c\\\"\"\n"
    ),
    ("client-disconnect /x/quota-disconnect # by hand", ""),
    ("client-connect /a", "client-connect /a\n"),
    ("# client-connect \(hooks)/quota-connect", "# client-connect \(hooks)/quota-connect\n"),
    ("client-connect \"sudo \(hooks)/quota-connect\"", ""),
    ("--client-connect \"\(hooks)/quota-connect --then /a\"", "--client-connect \"/a\"\n"),
    (
      "auth-user-pass-verify \"\(hooks)/quota-connect --duplicate-cn --then /a\" via-env",
      "auth-user-pass-verify \"/a\" via-env\n"
    ),
    // Without the line nobody would have to bring a password.
    (
      "auth-user-pass-verify \(hooks)/quota-connect via-env",
      "auth-user-pass-verify \(hooks)/quota-connect via-env\n"
    ),
  ])
  func `frees a server of hooks that were written by hand`(line: String, left: String) throws {
    let edit = ConfigEdit.tearingDown(Array("mode server\n\(line)\nverb 3\n".utf8))
    #expect(String(decoding: edit.text, as: UTF8.self) == "mode server\n\(left)verb 3\n")
  }
}

@Suite struct `Setting a value` {
  @Test(arguments: [
    ("# Cuts.\n#FENCE=no\n\n#FENCE_OPEN=\n", "# Cuts.\n#FENCE=no\nFENCE=yes\n\n#FENCE_OPEN=\n"),
    ("FENCE=no\nCOUNT=sent\n  FENCE = no # x\n", "FENCE=no\nCOUNT=sent\nFENCE=yes\n"),
    ("#FENCE=no\nFENCE=yes\n", "#FENCE=no\nFENCE=yes\n"), ("", "FENCE=yes\n"),
    ("COUNT=sent", "COUNT=sent\nFENCE=yes"), ("COUNT=sent\r\n", "COUNT=sent\r\nFENCE=yes\r\n"),
    ("# FENCE=yes cuts\nFENCE_OPEN=1.1.1.1\n", "# FENCE=yes cuts\nFENCE_OPEN=1.1.1.1\nFENCE=yes\n"),
  ])
  func `takes the place of the one that holds, and leaves the rest`(text: String, new: String) {
    let edit = ConfigEdit.setting("FENCE", to: "yes", in: Array(text.utf8))
    #expect(String(decoding: edit.text, as: UTF8.self) == new)
    #expect(edit.changesNothing == (text == new))
  }
}
