import Foundation
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
  static func page() throws -> String {
    let root = #filePath.replacing("Tests/AdminTests/ManualTests.swift", with: "")
    return try String(contentsOfFile: root + "man/quota-admin.8", encoding: .utf8)
  }

  @Test func `has every command and every option, and no other`() throws {
    let help = try Bench().admin("--experimental-dump-help")
    let root = try JSONDecoder().decode(Tool.self, from: Data(help.output.utf8)).command
    let commands = root.leaves(behind: "")
    #expect(commands.values.allSatisfy { $0.abstract?.hasSuffix(".") == true })
    let options = commands.values.flatMap { $0.arguments ?? [] }.flatMap { $0.names ?? [] }
    let page = try Self.page()
    let described = page.matches(of: /\.It Cm ([a-z]+(?: [a-z]+)?)[ \n]/)
      .map { String($0.output.1) }
    #expect(Set(commands.keys) == Set(described))
    let explained = page.matches(of: /\n\.It Fl (?:([a-z]) , )?\\-([a-z-]+)/).flatMap { match in
      [match.output.1, match.output.2].compactMap { $0.map(String.init) }
    }
    #expect(Set(options.map(\.name)) == Set(explained))
  }
}
