import Foundation
import TestSupport
import Testing

@Suite struct `Names and values from anywhere` {
  @Test(arguments: [
    "alice", "-bob", "--quota", "علی", "王小明", "O'Neill", "a\"b", "\"; DROP TABLE users; --",
    "=1+1", "a,b", "a b", "Zoe\u{308}", "CORP\\xeda", "%s%n", "\u{10F7C3}",
  ])
  func `a name is kept to the byte`(name: String) throws {
    let bench = try Bench()
    #expect(try bench.admin("add", "--quota", "1GiB", "--", name).status == 0)
    #expect(try bench.admin("set", "--quota", "2GiB", "--", name).isFine)
    #expect(try bench.admin("disable", "--", name).isFine)
    #expect(try bench.admin("list").output.contains(name == "\u{10F7C3}" ? "disabled" : name))
    let shown = try bench.admin("show", "--json", "--", name)
    struct Named: Decodable { let name: String }
    let decoded = try JSONDecoder().decode(Named.self, from: Data(shown.output.utf8))
    #expect(decoded.name.utf8.elementsEqual(name.utf8))
  }

  @Test func `a name that is not UTF-8 is kept to the byte as well`() throws {
    let bench = try Bench()
    let outcome = try bench.shell(
      #"""
      name=$(printf 'b\377b\303')
      quota-admin add "$name" && quota-admin disable "$name" && quota-admin show --json "$name"
      """#)
    #expect(outcome.isFine)
    #expect(outcome.output.hasPrefix("added b\\xFFb\\xC3, quota unlimited\n"))
    #expect(outcome.output.contains(#""name_hex":"62ff62c3""#))
    #expect(try bench.probe.users.map(\.nameBytes) == [[0x62, 0xFF, 0x62, 0xC3]])
    #expect(try bench.admin("list").output.contains("b\\xFFb\\xC3"))
  }

  @Test(arguments: ["", "a\u{1B}[31mb", "a\nb", "a\tb", "\u{7F}", "\\x0A"])
  func `a name that nobody can have is refused, and shown without harm`(name: String) throws {
    let bench = try Bench()
    for command in ["add", "show", "enable"] {
      let outcome = try bench.admin(command, name)
      #expect(outcome.status == 65 && outcome.output.isEmpty)
      let reason =
        name.isEmpty
        ? "allowed are 1 to 511 bytes"
        : command == "add" ? "no client can have the name" : "there is no user"
      #expect(outcome.errors.contains(reason))
      #expect(outcome.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("quota-admin: ") })
      #expect(
        !outcome.errors.replacing("\n", with: "").unicodeScalars.contains {
          $0.properties.generalCategory == .control
        })
    }
  }

  @Test func `a name has at most 511 bytes`() throws {
    let bench = try Bench()
    #expect(try bench.admin("add", String(repeating: "x", count: 511)).isFine)
    #expect(try bench.admin("add", String(repeating: "x", count: 512)).status == 65)
  }

  @Test(arguments: [
    ("\u{9B}31m", #"\xC2\x9B31m"#), (" alice ", #"\x20alice\x20"#),
    ("a\u{200B}", #"a\xE2\x80\x8B"#),
    ("\u{202E}evil", #"\xE2\x80\xAEevil"#), ("\u{301}a", #"\xCC\x81a"#), ("\u{A0}", #"\xC2\xA0"#),
    ("-", #"\x2D"#), (#"\x41"#, #"\x5Cx41"#), (#"a\b"#, #"a\b"#), ("\u{FE0F}", #"\xEF\xB8\x8F"#),
  ])
  func `a name is typed as it is shown`(name: String, shown: String) throws {
    let bench = try Bench()
    #expect(try bench.admin("add", "--", shown).output.hasPrefix("added \(shown), "))
    #expect(try bench.probe.users.map(\.nameBytes) == [Array(name.utf8)])
    #expect(try bench.admin("list").output.contains(shown))
    #expect(try bench.admin("disable", "--", shown).output == "\(shown) is now disabled\n")
    #expect(try bench.admin("rename", "--", shown, "other").status == 0)
  }

  @Test func `a hostile name that a hook let into the ledger harms no terminal`() throws {
    let bench = try Bench()
    try bench.populate()
    let name = "a\u{1B}[2Jb\n\u{202E}c"
    try bench.probe.setName(of: "alice", to: name)
    try bench.probe.setRealAddresses(to: "\u{1B}]0;x\u{7}")
    try bench.probe.setServers(to: "h\u{9B}")
    for outcome in try [
      bench.admin("list"), bench.admin("list", "--json"), bench.admin("show", "a[2Jbc"),
    ] {
      let text = outcome.output + outcome.errors
      #expect(
        !text.replacing("\n", with: "").unicodeScalars.contains {
          $0.value < 0x20 || 0x7F...0x9F ~= $0.value || $0.value == 0x202E
        })
    }
    #expect(try bench.admin("list").output.contains(#"a\x1B[2Jb\x0A\xE2\x80\xAEc"#))
    let list = try JSONSerialization.jsonObject(
      with: Data(bench.admin("list", "--json").output.utf8))
    let users = try #require((list as? [String: [[String: Any]]])?["users"])
    #expect(users.contains { $0["name"] as? String == name })
  }

  @Test func `wide and combining letters line up`() throws {
    let bench = try Bench()
    for name in ["王小明", "e\u{301}e", "abcdef"] { try bench.admin("add", name) }
    let lines = try bench.admin("list").output.split(separator: "\n")
    #expect(lines.contains("王小明  active   0 B  unlimited      -         0"))
    #expect(lines.contains("e\u{301}e      active   0 B  unlimited      -         0"))
    #expect(lines.contains("abcdef  active   0 B  unlimited      -         0"))
  }

  @Test(arguments: ["", "10XB", "12Mb", "1e9", "9223372036854775808", "1.5.5G", "0x10", "ten"])
  func `a size that is none changes nothing and says what is allowed`(size: String) throws {
    let bench = try Bench()
    try bench.admin("add", "alice", "--quota", "1K")
    for arguments in [["set", "alice"], ["add", "bob"]] {
      let outcome = try Program.run(
        Program.path("quota-admin"), arguments + ["--quota=\(size)"],
        environment: bench.settings)
      #expect(outcome.status == (size.isEmpty ? 64 : 65) && outcome.output.isEmpty)
      #expect(outcome.errors.hasPrefix("quota-admin: error: "))
    }
    #expect(try bench.probe.users.map(\.quota) == [1024])
    #expect(try bench.probe.users.count == 1)
  }
}
