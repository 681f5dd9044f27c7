import Foundation
import TestSupport
import Testing

@Suite struct `The Tab key` {
  /// A ledger in which strangers have chosen names, with the scripts for the shells beside it.
  private func bench() throws -> Bench {
    let bench = try Bench()
    let trap = "touch \(bench.folder.path)/pwned"
    for name in [
      "alice", "alison.o@example.org", "albert", "bob", "علی", "al$(\(trap))", "al`\(trap)`",
      "al'; \(trap); '", "al${HOME}", "al b", "al:b", "al|b", "al*", "al\u{202E}",
    ] {
      #expect(try bench.admin("add", "--", name).status == 0)
    }
    for shell in ["bash", "zsh", "fish"] {
      let script = try bench.run(["--generate-completion-script", shell])
      #expect(script.isFine && script.output.count > 1000)
      try bench.folder.write(script.output, to: shell == "zsh" ? "_quota-admin" : "script.\(shell)")
    }
    return bench
  }

  private func isSafe(_ bench: Bench) -> Bool {
    !FileManager.default.fileExists(atPath: bench.folder.path + "/pwned")
  }

  /// What bash offers for a command line.
  private func bash(_ bench: Bench, _ words: String...) throws -> [String] {
    let line = words.map { "'\($0)'" }.joined(separator: " ")
    let outcome = try bench.shell(
      """
      source \(bench.folder.path)/script.bash
      COMP_WORDS=(\(line)) COMP_CWORD=\(words.count - 1) COMP_LINE="${COMP_WORDS[*]}"
      COMP_POINT=${#COMP_LINE}
      _quota-admin quota-admin "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """)
    #expect(outcome.isFine)
    return outcome.output.split(separator: "\n").map(String.init)
  }

  @Test func `completes names in bash, and runs none`() throws {
    let bench = try bench()
    let names = ["albert", "alice", "alison.o@example.org"]
    for command in ["show", "set", "enable", "disable", "usage", "events"] {
      #expect(try bash(bench, "quota-admin", command, "al") == names)
    }
    #expect(try bash(bench, "quota-admin", "show", "عل") == ["علی"])
    #expect(try bash(bench, "quota-admin", "show", "zz") == [])
    #expect(try bash(bench, "quota-admin", "us") == ["usage"])
    #expect(try bash(bench, "quota-admin", "usage", "--by", "mo") == ["month"])
    #expect(isSafe(bench))
  }

  @Test func `asks the ledger that the command line names`() throws {
    let bench = try bench()
    let other = try Bench()
    try other.admin("add", "alien")
    let config = try bench.folder.write("DATABASE=\(other.path)\n", to: "other.conf")
    bench.settings["DATABASE"] = nil
    #expect(try bash(bench, "quota-admin", "show", "--config", config, "al") == ["alien"])
  }

  @Test func `creates no ledger and complains of none`() throws {
    let bench = try bench()
    try FileManager.default.removeItem(atPath: bench.path)
    #expect(try bash(bench, "quota-admin", "show", "al") == [])
    #expect(!FileManager.default.fileExists(atPath: bench.path))
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/fish")))
  func `completes names in fish, and runs none`() throws {
    let bench = try bench()
    let setup = """
      function fish_prompt; echo -n 'ready> '; end; source \(bench.folder.path)/script.fish
      """
    try type(bench, "/usr/bin/fish", ["--no-config", "-i", "-C", setup])
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/zsh")))
  func `completes names in zsh, and runs none`() throws {
    let bench = try bench()
    try bench.folder.write(
      """
      PROMPT='ready> '
      fpath=(\(bench.folder.path) $fpath)
      autoload -U compinit
      compinit -u -D
      """, to: ".zshrc")
    try type(bench, "/usr/bin/zsh", ["-i"])
  }

  private func type(_ bench: Bench, _ shell: String, _ arguments: [String]) throws {
    let seen = try Screen.run(
      bench, arguments,
      settings: [
        "HOME": bench.folder.path, "ZDOTDIR": bench.folder.path,
        "PATH": "\(Program.directory):/usr/bin:/bin",
      ], program: shell,
      typing: [
        ("ready> ", "quota-admin show al\t\t"), ("alison.o@example.org", "\u{15}exit\n"),
      ])
    #expect(seen.missed == nil && seen.text.contains("albert") && seen.text.contains("alice"))
    #expect(!seen.text.contains("al$") && !seen.text.contains("al`") && isSafe(bench))
  }
}
