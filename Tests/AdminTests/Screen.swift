import Foundation
import TestSupport
import Testing

/// A program run on a real terminal, and typed at.
struct Screen: Decodable {
  /// All that the terminal showed, with its line ends made plain.
  let screen: String
  /// The exit status; nil for a program that was still running.
  let status: Int32?
  /// The text that was waited for in vain.
  let missed: String?

  /// Text to wait for, and the keys to type then.
  typealias Step = (wait: String, type: String)

  static let controlC = "\u{3}"
  static let controlD = "\u{4}"

  static func run(
    _ bench: Bench, _ arguments: [String] = [], columns: Int = 80, settings: [String: String] = [:],
    program: String = Program.path("quota-admin"), typing steps: [Step] = []
  ) throws -> Screen {
    let script = #filePath.replacing("Screen.swift", with: "terminal.py")
    let json = try JSONSerialization.data(withJSONObject: steps.map { [$0.wait, $0.type] })
    let environment = bench.settings
      .merging(["TERM": "xterm", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"]) { $1 }
      .merging(settings) { $1 }
    let outcome = try Program.run(
      "/usr/bin/python3",
      [script, "\(columns)", program] + arguments,
      environment: environment, input: String(decoding: json, as: UTF8.self))
    #expect(outcome.errors.isEmpty)
    let seen = try JSONDecoder().decode(Screen.self, from: Data(outcome.output.utf8))
    return Screen(
      screen: seen.screen.replacing("\r\n", with: "\n"), status: seen.status, missed: seen.missed)
  }

  private init(screen: String, status: Int32?, missed: String?) {
    self.screen = screen
    self.status = status
    self.missed = missed
  }

  /// The screen without colours.
  var text: String { screen.replacing(/\u{1B}\[[0-9;]*m/, with: "") }
}
