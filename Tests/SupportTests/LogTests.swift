import Glibc
import System
import Testing
import TestSupport

@testable import Support

@Suite struct LogTests {
  let ear: Ear
  let path: String

  init() throws {
    ear = try Ear()
    path = "\(ear.folder.path)/traffic.log"
  }

  func log(_ reader: StandardError.Reader = .other, _ level: LogLevel = .info) -> Log {
    Log(
      diagnostics: DiagnosticPrinter(program: "quota-sweep", errors: ear.errors(reader)),
      path: path, level: level)
  }

  var lines: [Substring] {
    get throws {
      String(decoding: try contents(ofFile: path), as: UTF8.self).split(separator: "\n")
    }
  }

  /// A line behind its time.
  func withoutTime(_ line: Substring?) -> Substring? { line?.dropFirst(21) }

  @Test func `A line has the time in UTC, the level, the program, the event and its details`()
    throws
  {
    let before = Clock.now
    log().record(
      .info, "closed", ["user": .bytes(Array("alice".utf8)), "bytes": 123, "why": "left early"])
    let line = try #require(try lines.first)
    #expect(line.hasSuffix("Z info quota-sweep: closed user=alice bytes=123 why=\"left early\""))
    #expect((before...Clock.now).contains { line.hasPrefix(isoTime($0)) })
    #expect(try ear.heard.isEmpty)
  }

  @Test func `A hostile name makes no line of its own`() throws {
    log().record(
      .warning, "refused",
      ["user": .bytes(Array("x\n2026-01-01T00:00:00Z info quota-sweep: paid user=eve".utf8))])
    #expect(try lines.count == 1)
    #expect(
      withoutTime(try lines.first)
        == "warning quota-sweep: refused user=\"x\\x0A2026-01-01T00:00:00Z info quota-sweep: paid "
        + "user=eve\"")
  }

  @Test func `Lines below the level are not logged, and no file is made for them`() throws {
    let log = log(.terminal, .warning)
    log.record(.info, "nothing")
    log.record(.debug, "nothing")
    #expect(unsafe access(path, F_OK) != 0)
    #expect(try ear.heard.isEmpty)
    log.record(.warning, "something")
    log.record(.error, "more")
    #expect(try lines.count == 2)
  }

  @Test func `In the journal a line has its priority and no time, for the journal has its own`()
    throws
  {
    let log = log(.journal, .debug)
    log.record(.debug, "a")
    log.record(.info, "b", ["n": 1])
    log.record(.warning, "c")
    log.record(.error, "d")
    #expect(try ear.heard == "<7>a\n<6>b n=1\n<4>c\n<3>d\n")
    #expect(try lines.count == 4)
  }

  @Test func `On a terminal a line reads like everything else there`() throws {
    log(.terminal).record(.info, "killed", ["user": "bob"])
    #expect(try ear.heard == "quota-sweep: info: killed user=bob\n")
  }

  @Test func `A reported error is said once and logged once`() throws {
    log(.journal).report(SystemError("open", "/a b", code: EACCES))
    #expect(
      try ear.heard == """
        <3>quota-sweep: error: cannot open /a b: Permission denied
        <3>quota-sweep: hint: run it as root, or as the user openvpn-quota

        """)
    #expect(
      withoutTime(try lines.first)
        == "error quota-sweep: failed message=\"cannot open /a b: Permission denied\"")
    #expect(try lines.count == 1)
  }

  @Test func `The log is made for its group to read, whatever the umask`() throws {
    log().record(.info, "first")
    var status = stat()
    #expect(unsafe stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o640)
  }

  @Test func `The mode of a log that is there already is left alone`() throws {
    try ear.folder.write("", to: "traffic.log", mode: 0o600)
    log().record(.info, "first")
    var status = stat()
    #expect(unsafe stat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
    #expect(try lines.count == 1)
  }

  static let unwritable = [
    "/nowhere/traffic.log", "/proc/traffic.log", "/", "/dev/full", "/etc/passwd/traffic.log",
  ]

  @Test(arguments: unwritable) func `A log that cannot be written costs one warning and no work`(
    path: String
  ) throws {
    let log = Log(
      diagnostics: DiagnosticPrinter(program: "quota-sweep", errors: ear.errors(.other)),
      path: path, level: .info)
    log.record(.info, "one")
    log.record(.info, "two")
    log.record(.info, "three")
    let heard = try ear.heard
    #expect(heard.hasPrefix("quota-sweep: warning: cannot "))
    #expect(heard.contains("; this run is not logged there\n"))
    #expect(heard.split(separator: "\n").filter { $0.contains("warning") }.count == 1)
  }

  @Test(.timeLimit(.minutes(4))) func `A log that is a pipe without a reader holds up nobody`()
    throws
  {
    #expect(unsafe mkfifo(path, 0o600) == 0)
    log().record(.info, "one")
    #expect(try ear.heard.contains("cannot open \(path)"))
  }

  @Test func `No path means no file and no complaint`() throws {
    let log = Log(
      diagnostics: DiagnosticPrinter(program: "quota-sweep", errors: ear.errors(.other)), path: "",
      level: .info)
    log.record(.info, "one")
    #expect(try ear.heard.isEmpty)
  }

  @Test func `Many writers at once tear no line`() async throws {
    let path = path
    let filler = String(repeating: "x", count: 700)
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          for line in 0..<100 {
            let diagnostics = DiagnosticPrinter(
              program: "w\(writer)", errors: StandardError(descriptor: -1, reader: .other))
            let log = Log(diagnostics: diagnostics, path: path, level: .info)
            log.record(.info, "event", ["n": .number(Int64(line)), "filler": .text(filler)])
          }
        }
      }
    }
    let written = Set(try lines.map { $0.dropFirst(26) })
    var expected: Set<Substring> = []
    for writer in 0..<8 {
      for line in 0..<100 { expected.insert("w\(writer): event n=\(line) filler=\(filler)") }
    }
    #expect(written == expected)
    #expect(try lines.count == 800)
  }

  static let times: [(Int64, String)] = [
    (0, "1970-01-01T00:00:00Z"), (1_795_466_205, "2026-11-23T20:36:45Z"),
    (951_782_399, "2000-02-28T23:59:59Z"), (951_782_400, "2000-02-29T00:00:00Z"),
    (951_868_800, "2000-03-01T00:00:00Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
    (4_107_542_399, "2100-02-28T23:59:59Z"), (-1, "1969-12-31T23:59:59Z"),
    (253_402_300_799, "9999-12-31T23:59:59Z"), (-62_135_596_800, "0001-01-01T00:00:00Z"),
  ]

  @Test(arguments: times) func `A time is written as ISO 8601 has it`(time: Int64, text: String) {
    #expect(isoTime(time) == text)
  }
}
