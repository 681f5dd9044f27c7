import Foundation
import System
import Synchronization
import TestSupport
import Testing

@testable import Support

@Suite struct RotationTests {
  let folder: TemporaryDirectory
  let log: String

  init() throws {
    folder = try TemporaryDirectory()
    log = "\(folder.path)/traffic.log"
  }

  func rotation(limit: Int64 = 10, generations: Int = 5) -> LogRotation {
    LogRotation(of: log, limit: limit, generations: generations)
  }

  /// The names in the folder behind that of the log, with `=` and the first line of each.
  var files: [String] {
    get throws {
      try names(inDirectory: folder.path).map { name in
        "\(name.dropFirst("traffic.log".count))=\(try text(of: name))"
      }
    }
  }

  func text(of name: String) throws -> String {
    let path = "\(folder.path)/\(name)"
    let text =
      name.hasSuffix(".gz")
      ? try Program.run("gzip", ["-dc", path]).output
      : String(decoding: try contents(ofFile: path), as: UTF8.self)
    return String(text.prefix { $0 != "\n" })
  }

  @Test func `A log that is not too large is left alone, and so is none at all`() throws {
    #expect(try rotation().run(isForced: true) == .init())
    try folder.write("123456789\n", to: "traffic.log")
    #expect(try rotation(limit: 10).run(isForced: false) == .init())
    #expect(try files == ["=123456789"])
  }

  @Test func `A log that is too large makes room for an empty one with its mode`() throws {
    try folder.write("123456789.\n", to: "traffic.log", mode: 0o660)
    #expect(try rotation(limit: 10).run(isForced: false).rotated == 11)
    #expect(try files == ["=", ".1=123456789."])
    #expect(try FileStatus(of: log).mode == 0o660)
    #expect(try rotation(limit: 10).run(isForced: false) == .init(), "twice is once")
    #expect(try files == ["=", ".1=123456789."])
  }

  @Test func `The owner and the group stay what they were`() throws {
    try folder.write("123456789.\n", to: "traffic.log", mode: 0o640)
    let (owner, group) = geteuid() == 0 ? (uid_t(65534), gid_t(65534)) : (geteuid(), getegid())
    #expect(unsafe chown(log, owner, group) == 0)
    _ = try rotation().run(isForced: false)
    let status = try FileStatus(of: log)
    #expect(status.owner == owner && status.group == group && status.mode == 0o640)
  }

  @Test func `Older logs are packed and move up, and the oldest goes`() throws {
    for number in 1...6 {
      try Data("line \(number)\n".utf8).write(to: URL(fileURLWithPath: log))
      #expect(try rotation(generations: 3).run(isForced: true).rotated == 7)
    }
    #expect(try files == ["=", ".1=line 6", ".2.gz=line 5", ".3.gz=line 4"])
    #expect(try rotation(generations: 2).run(isForced: false).removed == 1)
    #expect(try files == ["=", ".1=line 6", ".2.gz=line 5"])
    try folder.write("line 7\n", to: "traffic.log")
    _ = try rotation(generations: 1).run(isForced: true)
    #expect(try files == ["=", ".1=line 7"])
  }

  @Test func `An empty log is not rotated even by force`() throws {
    try folder.write("", to: "traffic.log")
    #expect(try rotation().run(isForced: true) == .init())
    #expect(try files == ["="])
  }

  @Test func `With no limit nothing is touched: logrotate uses the same names`() throws {
    try folder.write("line\n", to: "traffic.log")
    try folder.write("old\n", to: "traffic.log.2")
    #expect(try rotation(limit: 0, generations: 1).run(isForced: false) == .init())
    #expect(try files == ["=line", ".2=old"])
  }

  @Test func `A log that a program still writes to is packed once it is done`() throws {
    let ear = try Ear()
    let diagnostics = DiagnosticPrinter(program: "w", errors: ear.errors(.other))
    var writer: Log? = Log(diagnostics: diagnostics, path: log, level: .info)
    writer?.record(.info, "first")
    _ = try rotation().run(isForced: true)
    writer?.record(.info, "second")
    try folder.write("next\n", to: "traffic.log")
    #expect(try rotation().run(isForced: true).packed == 0)
    writer?.record(.info, "third")
    let kept = String(decoding: try contents(ofFile: "\(log).2"), as: UTF8.self)
    #expect(kept.split(separator: "\n").map { $0.suffix(6) } == [" first", "second", " third"])
    writer = nil
    // A program that another test starts has the log open as well until it runs.
    try eventually("the log to be packed") { try rotation().run(isForced: false).packed == 1 }
    #expect(try names(inDirectory: folder.path).contains("traffic.log.2.gz"))
  }

  /// What a run that was cut short can leave, and what the next one makes of it.
  static let halfDone: [(left: [String: String], isLinked: Bool, then: [String])] = [
    // Behind the second name, before the new log.
    (["": "young", ".2": "old"], true, ["=", ".1=young", ".2.gz=old"]),
    // In the middle of moving up.
    (["": "young", ".1": "old", ".3.gz": ""], false, ["=", ".1=young", ".2.gz=old", ".3.gz="]),
    // Behind packing, before the plain one was removed.
    (["": "x", ".2": "old", ".2.gz": ""], false, ["=", ".1=x", ".2.gz=old"]),
    // Drafts.
    (
      ["": "young", ".new": "draft", ".1": "old", ".2.gz.new": "draft"], false,
      ["=", ".1=young", ".2.gz=old"]
    ),
  ]

  @Test(arguments: halfDone.indices) func `What a run that was cut short has left is finished`(
    index: Int
  ) throws {
    let example = RotationTests.halfDone[index]
    for (name, text) in example.left { try folder.write(text, to: "traffic.log\(name)") }
    if example.isLinked { try link(log, to: "\(log).1") }
    _ = try rotation().run(isForced: !example.isLinked)
    #expect(try files == example.then)
  }

  @Test func `A link or a pipe is refused, and nothing happens to what it leads to`() throws {
    let target = try folder.write("line\n", to: "elsewhere")
    #expect(unsafe symlink(target, log) == 0)
    #expect(throws: RotationError.self) { try rotation().run(isForced: true) }
    #expect(try text(of: "elsewhere") == "line")
    try remove(log)
    #expect(unsafe mkfifo(log, 0o600) == 0)
    #expect(throws: RotationError.self) { try rotation().run(isForced: true) }
  }

  @Test func `A link that was planted under the name of the new log is not followed`() throws {
    let target = try folder.write("precious\n", to: "elsewhere", mode: 0o600)
    try folder.write("line\n", to: "traffic.log", mode: 0o666)
    #expect(unsafe symlink(target, "\(log).new") == 0)
    #expect(unsafe symlink(target, "\(log).2.gz.new") == 0)
    try folder.write("old\n", to: "traffic.log.1")
    _ = try rotation().run(isForced: true)
    #expect(try text(of: "elsewhere") == "precious")
    #expect(try FileStatus(of: target).mode == 0o600)
  }

  @Test(.timeLimit(.minutes(2)))
  func `Under eight writers at full speed every line is there once, rotated and packed or not`()
    throws
  {
    let config = try folder.write(
      "LOG_FILE=\(log)\nLOG_GENERATIONS=99\nDATABASE=\(folder.path)/none.db\n", to: "quota.conf")
    let writers = (0..<8).map { Writer("w\($0)", log) }
    for _ in 0..<12 {
      let outcome = try Program.run(
        Program.path("quota-rotate"), ["--force", "--config", config])
      #expect(outcome.status == 0 && outcome.errors == "")
    }
    let written = writers.flatMap { $0.end() }
    var seen: [Substring: Int] = [:]
    let packed = try names(inDirectory: folder.path).filter { $0.hasSuffix(".gz") }
    #expect(packed.count > 1)
    let all = try Program.run("/bin/sh", ["-c", "cat \(log) \(log).[0-9] ; zcat \(log).*.gz"])
    for line in all.output.split(separator: "\n") where line.contains(" info w") {
      seen[line.dropFirst(21), default: 0] += 1
    }
    #expect(written.count > 1000)
    #expect(written.filter { seen[Substring($0)] != 1 }.isEmpty)
    #expect(seen.count == written.count)
  }
}

/// A thread that writes lines as fast as it can, as programs do that write a few each.
private final class Writer: Sendable {
  private let isEnding = Mutex(false)
  private let lines = Mutex<[String]>([])
  private let ended = DispatchSemaphore(value: 0)

  init(_ program: String, _ path: String) {
    Thread.detachNewThread { [self] in
      while !isEnding.withLock(\.self) { lines.withLock { writeSome(as: program, to: path, &$0) } }
      ended.signal()
    }
  }

  /// - Returns: what it wrote, behind the time.
  func end() -> [String] {
    isEnding.withLock { $0 = true }
    ended.wait()
    return lines.withLock(\.self)
  }
}

private func writeSome(as program: String, to path: String, _ lines: inout [String]) {
  let diagnostics = DiagnosticPrinter(
    program: program, errors: StandardError(descriptor: -1, reader: .other))
  let log = Log(diagnostics: diagnostics, path: path, level: .info)
  for _ in 0..<5 {
    log.record(.info, "n", ["n": .number(Int64(lines.count))])
    lines.append("info \(program): n n=\(lines.count)")
  }
}
