import Foundation
import Testing

/// What fuzzing has learnt, checked as any other input.
@Suite struct `The corpus of` {
  @Test(arguments: FuzzTarget.all.map(\.name))
  func `every target holds`(name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let files = try inputs(of: name)
    #expect(!files.isEmpty)
    for file in files {
      let bytes = [UInt8](try Data(contentsOf: file))
      do throws(Broken) { try target.check(bytes) } catch {
        Issue.record("\(name)/\(file.lastPathComponent): \(error)")
      }
    }
  }

  /// What takes time or memory in the square of its input does not come to an end here.
  @Test(.timeLimit(.minutes(4)), arguments: FuzzTarget.all.map(\.name))
  func `every target holds as one large input`(name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let all = try inputs(of: name).map { [UInt8](try Data(contentsOf: $0)) }.joined()
    let large = Array(repeatElement(all, count: 1 + (256 << 10) / max(1, all.count)).joined())
    try target.check(Array(large.prefix(256 << 10)))
  }

  @Test func `nothing that is no target is not there`() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: corpus.path)
    #expect(Set(folders) == Set(FuzzTarget.all.map(\.name)))
  }

  @Test(arguments: FuzzTarget.all.map(\.name))
  func `a target is small enough to be read`(name: String) throws {
    let files = try inputs(of: name)
    let sizes = try files.map { try Data(contentsOf: $0).count }
    #expect(files.count <= 100)
    #expect(sizes.reduce(0, +) <= 128 << 10)
  }

  private let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Corpus")

  private func inputs(of name: String) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: corpus.appendingPathComponent(name), includingPropertiesForKeys: nil)
  }
}
