import Foundation
import TestSupport
import Testing

/// What a person sees who types commands, kept as files: a `$ command` line, then all that it
/// wrote. Every file begins with the ledger of `TranscriptLedger`; lines before the first
/// command say what it is about.
@Suite struct `The transcripts` {
  private static let directory = #filePath.replacing(
    "TranscriptFileTests.swift", with: "Transcripts/")

  static let names =
    (try? FileManager.default.contentsOfDirectory(atPath: directory))?
    .filter { $0.hasSuffix(".txt") }.sorted() ?? []

  @Test func `there are some`() { #expect(!Self.names.isEmpty) }

  /// With `RECORD_TRANSCRIPTS` in the environment the file is written anew, and the test fails for
  /// a person to look at the difference.
  @Test(arguments: names) func `come out as they are written down`(name: String) throws {
    let path = Self.directory + name
    let written = try String(contentsOfFile: path, encoding: .utf8)
    let bench = try Bench()
    bench.settings["LANG"] = "C.UTF-8"
    bench.settings["UNITS"] = nil
    try bench.admin("list")
    try TranscriptLedger.fill(bench.probe)
    var played = ""
    // By bytes: to a String, CR and LF are one character.
    for bytes in written.utf8.split(separator: 10, omittingEmptySubsequences: false) {
      let line = String(decoding: bytes, as: UTF8.self)
      if line.hasPrefix("$ ") {
        played += "\(line)\n" + (try output(of: String(line.dropFirst(2)), on: bench))
      } else if !played.contains("\n$ "), !played.hasPrefix("$ ") {
        played += "\(line)\n"
      }
    }
    if ProcessInfo.processInfo.environment["RECORD_TRANSCRIPTS"] != nil {
      try played.write(toFile: path, atomically: true, encoding: .utf8)
    }
    #expect(played == written)
    #expect(played.contains("$ "))
    #expect(ProcessInfo.processInfo.environment["RECORD_TRANSCRIPTS"] == nil)
  }

  /// What a command wrote, errors included, with its exit status if that is not 0.
  private func output(of command: String, on bench: Bench) throws -> String {
    let outcome = try bench.shell("cd \(bench.folder.path)\nexec 2>&1\n\(command)")
    // Where the programs are, and the time in a name, are other ones each time.
    let text = outcome.output.replacing(bench.folder.path, with: "DIRECTORY")
      .replacing(/\/[^ "]*\/quota-(connect|disconnect)/) { "/HOOKS/quota-\($0.1)" }
      .replacing(/(setup|teardown)-\d{8}T\d{6}Z/) { "\($0.1)-TIME" }
    return outcome.status == 0 ? text : text + "[exit \(outcome.status)]\n"
  }
}
