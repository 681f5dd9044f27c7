import Foundation
import TestSupport
import Testing

/// The commands in `config/notify-examples`, run by the real program with a `sendmail` and a `curl`
/// that only note what they are given.
@Suite struct `The examples of NOTIFY_COMMAND` {
  private static let names = [
    "alice", "-bob", ".", "O'Neill", #"a"b"#, #"c\d\"#, #"\u0041$(reboot)`id`"#, "%s%n", "a: b, c",
    "علی", "王小明", "<b>&amp;", String(repeating: "ü", count: 127),
  ]

  @Test(arguments: names)
  func `mail sends any name in a mail that stays in its bounds`(name: String) throws {
    let post = try PostOffice(running: "mail")
    try post.deliver(to: name)
    #expect(try post.taken("arguments") == "-i\nroot\n")
    let mail = try post.taken("input")
    #expect(mail.utf8.allSatisfy { $0 == 10 || 0x20...0x7E ~= $0 })
    let parts = mail.split(separator: "\n\n", maxSplits: 1)
    try #require(parts.count == 2)
    #expect(
      parts[0] == """
        To: root
        Subject: VPN notice: expiry (3)
        MIME-Version: 1.0
        Content-Type: text/plain; charset=UTF-8
        Content-Transfer-Encoding: base64
        """)
    #expect(parts[1].split(separator: "\n").allSatisfy { $0.utf8.count <= 76 })
    let body = try #require(
      Data(base64Encoded: String(parts[1]), options: .ignoreUnknownCharacters))
    let text = String(decoding: body, as: UTF8.self)
    #expect(text.hasPrefix("The account of \(name) expires on ") && text.hasSuffix(".\n"))
  }

  @Test(arguments: names)
  func `webhook posts any name as JSON`(name: String) throws {
    let post = try PostOffice(running: "webhook")
    try post.deliver(to: name)
    let arguments = try post.taken("arguments").split(separator: "\n")
    #expect(arguments.last == "https://example.org/hooks/quota")
    #expect(arguments.contains("@-") && arguments.contains("Content-Type: application/json"))
    let note = try JSONDecoder().decode(Note.self, from: Data(try post.taken("input").utf8))
    #expect(note.name.utf8.elementsEqual(name.utf8))
    #expect(note.name_hex == nil)
    #expect(note.notice == "expiry" && note.detail == "3" && note.`try` == 1)
    #expect(note.text.hasPrefix("The account of \(name) expires on "))
    #expect(note.used_bytes == 0 && note.limit_bytes == 1_000_000)
    #expect(note.period_start == nil && note.period_end == nil && note.expires_at != nil)
  }

  @Test func `webhook posts a name that is no text as JSON that is`() throws {
    let post = try PostOffice(running: "webhook")
    try post.deliver(toNamePrintedBy: #"printf 'b\377b\303'"#)
    let note = try JSONDecoder().decode(Note.self, from: Data(try post.taken("input").utf8))
    #expect(note.name_hex == "62ff62c3")
    #expect(note.text.hasPrefix(#"The account of b\xFFb\xC3 expires on "#))
  }

  @Test(arguments: ["mail", "webhook"])
  func `a delivery that fails is one for the program as well`(example: String) throws {
    let post = try PostOffice(running: example, failing: true)
    try post.deliver(to: "alice", expecting: 69)
  }

  /// What quota-admin(8) says `QUOTA_JSON` holds.
  private struct Note: Decodable {
    let name: String
    let name_hex: String?
    let notice: String
    let detail: String
    let text: String
    let at: String
    let `try`: Int
    let used_bytes: Int64
    let limit_bytes: Int64
    let period_start: String?
    let period_end: String?
    let expires_at: String?
  }
}

/// Runs one of the examples on a notice.
private struct PostOffice {
  private let bench: Bench

  init(running example: String, failing: Bool = false) throws {
    bench = try Bench()
    let folder = bench.folder
    for program in ["sendmail", "curl"] {
      try folder.write(
        """
        #!/bin/sh
        printf '%s\\n' "$@" >'\(folder.path)/arguments'
        cat >'\(folder.path)/input'
        exit \(failing ? 22 : 0)

        """, to: "bin/\(program)", mode: 0o755)
    }
    let repository = #filePath.replacing("Tests/AdminTests/NotifyExampleTests.swift", with: "")
    bench.settings["NOTIFY_COMMAND"] = try folder.write(
      """
      #!/bin/sh
      PATH='\(folder.path)/bin':$PATH exec '\(repository)config/notify-examples/\(example)'

      """, to: "command", mode: 0o755)
    bench.settings["LOG_FILE"] = ""
  }

  /// Has a user of this name get notice of an expiry.
  func deliver(to name: String, expecting status: Int32 = 0) throws {
    #expect(try bench.admin("add", "--quota", "1MB", "--expires", "+2d", "--", name).isFine)
    #expect(try bench.admin("notify").status == status)
  }

  /// The same for a name that a shell's command prints.
  func deliver(toNamePrintedBy command: String) throws {
    let outcome = try bench.shell(
      "quota-admin add --quota 1MB --expires +2d -- \"$(\(command))\" && quota-admin notify")
    #expect(outcome.isFine)
  }

  /// The `arguments` or the `input` that a program was given.
  func taken(_ what: String) throws -> String {
    String(
      decoding: try Data(contentsOf: URL(fileURLWithPath: "\(bench.folder.path)/\(what)")),
      as: UTF8.self)
  }
}
