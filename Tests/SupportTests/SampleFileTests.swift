import Testing
import TestSupport

@testable import Support

@Suite struct SampleFileTests {
  static let sample = "config/quota.conf"

  /// The settings in the sample with the `#` before them taken away.
  func uncommented() throws -> [String] {
    try Repository.lines(SampleFileTests.sample).compactMap { line in
      let bytes = Array(line.utf8)
      guard bytes.count > 1, bytes[0] == UInt8(ascii: "#"), 65...90 ~= bytes[1] else { return nil }
      return String(line.dropFirst())
    }
  }

  @Test func `The sample as it is shipped holds every default and has no problem`() throws {
    let loaded = try Settings.load(
      config: "\(Repository.root)/\(SampleFileTests.sample)", environment: [])
    #expect(loaded.settings == Settings())
    #expect(loaded.problems.isEmpty)
  }

  @Test func `The sample has every key once, in the order of the table, and nothing else`() throws {
    let keys = try uncommented().map { $0.prefix { $0 != "=" } }
    #expect(keys.map(String.init) == Settings.keys)
  }

  @Test func `The values in the sample are the defaults`() throws {
    let folder = try TemporaryDirectory()
    let lines = try uncommented()
    let file = try folder.write(lines.joined(separator: "\n"), to: "quota.conf")
    let loaded = try Settings.load(config: file, environment: [])
    #expect(loaded.settings == Settings())
    #expect(loaded.problems.isEmpty)
  }

  @Test func `The sample says first who reads it, explains each key and is plain ASCII`() throws {
    let lines = try Repository.lines(SampleFileTests.sample)
    #expect(lines.first?.hasPrefix("# Read by ") == true)
    #expect(lines.last == "")
    for (index, line) in lines.enumerated() {
      #expect(line.isEmpty || line.hasPrefix("#"))
      #expect(line.utf8.count <= 100 && line.utf8.allSatisfy { 0x20...0x7E ~= $0 })
      #expect(!line.hasSuffix("\\"), "before systemd 254 the comment would go on")
      if Settings.keys.contains(where: { line.hasPrefix("#\($0)=") }) {
        #expect(lines[index - 1].hasPrefix("# "))
      }
    }
  }
}
