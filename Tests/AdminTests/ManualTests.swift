import Foundation
import SQLite
import TestSupport
import Testing

@Suite struct `The manual` {
  private struct Tool: Decodable {
    let command: Command

    struct Command: Decodable {
      let commandName: String
      let abstract: String?
      let subcommands: [Command]?
      let arguments: [Argument]?

      /// The options, each with all its names.
      var options: [[String]] {
        (arguments ?? []).map { ($0.names ?? []).map(\.name) }.filter { !$0.isEmpty }
      }

      /// The commands that do something, each under all the words it is called by.
      func leaves(behind words: String) -> [String: Command] {
        (subcommands ?? []).filter { $0.commandName != "help" }.reduce(into: [:]) { all, command in
          let name = words + command.commandName
          if command.subcommands?.isEmpty ?? true {
            all[name] = command
          } else {
            all.merge(command.leaves(behind: name + " ")) { $1 }
          }
        }
      }
    }

    struct Argument: Decodable {
      let names: [Name]?

      struct Name: Decodable { let name: String }
    }
  }

  /// A page of the manual, read from the checkout.
  static func page(_ name: String = "quota-admin.8") throws -> String {
    let root = #filePath.replacing("Tests/AdminTests/ManualTests.swift", with: "")
    return try String(contentsOfFile: root + "man/" + name, encoding: .utf8)
  }

  private func tool(_ program: String) throws -> Tool.Command {
    let help = try Program.run(
      Program.path(program), ["--experimental-dump-help"], environment: Bench().settings)
    return try JSONDecoder().decode(Tool.self, from: Data(help.output.utf8)).command
  }

  /// The options that a page explains, the short ones included.
  private func explained(in page: String) -> Set<String> {
    let entries = page.matches(of: /\n\.It Fl (?:([a-z]) , )?\\-([a-z-]+)/)
    return Set(
      entries.flatMap { [$0.output.1, $0.output.2].compactMap { $0.map(String.init) } })
  }

  @Test func `has every command and every option, and no other`() throws {
    let commands = try tool("quota-admin").leaves(behind: "")
    #expect(commands.values.allSatisfy { $0.abstract?.hasSuffix(".") == true })
    let page = try Self.page()
    let described = page.matches(of: /\.It Cm ([a-z]+(?: [a-z]+)?)[ \n]/)
      .map { String($0.output.1) }
    #expect(Set(commands.keys) == Set(described))
    #expect(
      Set(commands.values.flatMap(\.options).flatMap(\.self)) == explained(in: page))
  }

  @Test(arguments: ["quota-sweep", "quota-rotate", "quota-fence", "quota-sync"])
  func `has every option of every other program, and no other`(program: String) throws {
    let options = try tool(program).options
    #expect(!options.isEmpty)
    #expect(try Set(options.flatMap(\.self)) == explained(in: Self.page(program + ".8")))
  }

  @Test func `shows each command with its own options`() throws {
    let commands = try tool("quota-admin").leaves(behind: "")
    let synopsis = try Self.page().components(separatedBy: ".Sh SYNOPSIS\n")[1]
      .components(separatedBy: ".Sh DESCRIPTION\n")[0]
    let everywhere: Set = ["h", "help", "version", "config"]
    let terms = Set(try #require(commands["plan add"]).options.flatMap(\.self))
    var shown: Set<String> = []
    for block in synopsis.components(separatedBy: ".Nm\n").dropFirst() {
      let first = try #require(block.split(separator: "\n").first)
      guard let words = first.split(separator: "Cm ").dropFirst().first else { continue }
      let mentioned = Set(
        block.matches(of: /\\-([a-z][a-z-]*)|Fl ([a-z])\b/)
          .compactMap { ($0.output.1 ?? $0.output.2).map(String.init) })
      for name in words.components(separatedBy: " | ") {
        let command = try #require(commands[name], "\(name)")
        shown.insert(name)
        let known = Set(command.options.flatMap(\.self))
        #expect(mentioned.isSubset(of: known), "\(name)")
        let covered = block.contains("Ar terms") ? everywhere.union(terms) : everywhere
        for option in command.options where covered.isDisjoint(with: option) {
          #expect(!mentioned.isDisjoint(with: option), "\(name) \(option)")
        }
      }
    }
    #expect(shown == Set(commands.keys))
  }

  @Test func `gives every command an example`() throws {
    for name in try tool("quota-admin").leaves(behind: "").keys {
      let help = try Bench().run(name.split(separator: " ").map(String.init) + ["--help"])
      #expect(help.isFine && help.output.contains("quota-admin \(name)"), "\(name)")
      #expect(help.output.contains("Example"), "\(name)")
    }
  }

  @Test func `has every table and every column, and no other`() throws {
    let bench = try Bench()
    try bench.admin("list")
    let database = try Connection(bench.path, busyTimeout: 5000)
    var columns = try database.prepare(
      """
      SELECT tables.name, columns.name FROM sqlite_schema AS tables
        JOIN pragma_table_info(tables.name) AS columns
      WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'
      """)
    var kept: [String: Set<String>] = [:]
    while try columns.step() { kept[columns.text(0), default: []].insert(columns.text(1)) }
    let model = try Self.page("openvpn-quota.7").components(separatedBy: ".Sh DATA MODEL\n")[1]
      .components(separatedBy: "\n.Sh ")[0]
    var described: [String: Set<String>] = [:]
    for entry in model.components(separatedBy: "\n.It Cm ").dropFirst() {
      let table = entry.split(separator: "\n")[0]
      let names = entry.matches(of: /\n\.It Li ([a-z0-9_ ,]+)/)
        .flatMap { $0.output.1.components(separatedBy: " , ") }
      #expect(Set(names).count == names.count, "\(table)")
      described[String(table)] = Set(names)
    }
    #expect(described == kept)
  }
}
