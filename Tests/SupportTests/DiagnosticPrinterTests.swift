import Glibc
import System
import Testing
import TestSupport

@testable import Support

/// A file in place of standard error.
struct Ear {
  let folder: TemporaryDirectory
  let path: String
  private let file: Int32

  init() throws {
    folder = try TemporaryDirectory()
    path = "\(folder.path)/stderr"
    file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    #expect(file >= 0)
  }

  func errors(_ reader: StandardError.Reader) -> StandardError {
    StandardError(descriptor: file, reader: reader)
  }

  /// What was said so far.
  var heard: String {
    get throws { String(decoding: try contents(ofFile: path), as: UTF8.self) }
  }
}

@Suite struct DiagnosticPrinterTests {
  @Test func `A complaint is one line, and its hint another`() throws {
    let ear = try Ear()
    let diagnostics = DiagnosticPrinter(program: "quota-sweep", errors: ear.errors(.other))
    diagnostics.error("cannot do it", hint: "do it yourself")
    diagnostics.warning("it looks odd")
    diagnostics.notice("there is nothing")
    #expect(
      try ear.heard == """
        quota-sweep: error: cannot do it
        quota-sweep: hint: do it yourself
        quota-sweep: warning: it looks odd
        quota-sweep: notice: there is nothing

        """)
  }

  @Test func `Problems with the settings are passed on as warnings`() throws {
    let ear = try Ear()
    let loaded = Settings.loadLeniently(
      config: "/dev/null", environment: ["COUNT=all", "LOG_LEVEL=x"])
    DiagnosticPrinter(program: "quota-connect", errors: ear.errors(.other)).warn(
      of: loaded.problems)
    #expect(
      try ear.heard == """
        quota-connect: warning: environment: COUNT is "all"; allowed is one of: total sent received
        quota-connect: warning: environment: LOG_LEVEL is "x"; allowed is one of: debug info \
        warning error

        """)
  }

  @Test func `What came from outside cannot break the line or reach the terminal`() throws {
    let ear = try Ear()
    let diagnostics = DiagnosticPrinter(program: "quota-admin", errors: ear.errors(.terminal))
    diagnostics.error("no user eve\nquota-admin: error: forged\u{1B}[2J\u{9B}1A")
    #expect(
      try ear.heard
        == "quota-admin: error: no user eve\\x0Aquota-admin: error: forged\\x1B[2J\\xC2\\x9B1A\n")
  }

  @Test func `In the journal each line carries its priority`() throws {
    let ear = try Ear()
    let diagnostics = DiagnosticPrinter(program: "quota-sweep", errors: ear.errors(.journal))
    diagnostics.error("bad", hint: "good")
    diagnostics.warning("odd")
    diagnostics.notice("so")
    let lines = try ear.heard.split(separator: "\n")
    #expect(
      lines == [
        "<3>quota-sweep: error: bad", "<3>quota-sweep: hint: good", "<4>quota-sweep: warning: odd",
        "<6>quota-sweep: notice: so",
      ])
  }

  @Test func `Standard error is the journal only if JOURNAL_STREAM names that very stream`() throws
  {
    let ear = try Ear()
    let file = try Descriptor.open(ear.path, O_WRONLY)
    let identity = StandardError.identity(of: file.number)
    let journal = StandardError(descriptor: file.number, journalStream: identity)
    #expect(journal.reader == .journal)
    for other in [nil, "", "8:1", "x", "\(identity ?? "")0"] {
      let errors = StandardError(descriptor: file.number, journalStream: other)
      #expect(errors.reader == .other)
    }
  }

  @Test func `A terminal is known as one`() throws {
    let terminal = try Descriptor.open("/dev/ptmx", O_RDWR | O_NOCTTY)
    let errors = StandardError(descriptor: terminal.number, journalStream: nil)
    #expect(errors.reader == .terminal)
  }

  @Test func `Speaking to a closed descriptor is silent`() {
    let diagnostics = DiagnosticPrinter(
      program: "quota-sweep", errors: StandardError(descriptor: -1, reader: .other))
    diagnostics.error("nobody hears this")
    #expect(StandardError.identity(of: -1) == nil)
  }

  static let statuses: [(Int32, Support.ExitStatus, Bool)] = [
    (EACCES, .permission, true), (EPERM, .permission, true), (ENOENT, .inputOutput, false),
    (ENOSPC, .inputOutput, true), (EIO, .inputOutput, false),
  ]

  @Test(arguments: statuses) func `A failed system call explains itself`(
    code: Int32, status: Support.ExitStatus, hasHint: Bool
  ) {
    let error = SystemError("open", "/x", code: code)
    #expect(error.message == "cannot open /x: \(SystemError.message(of: code))")
    #expect(error.exitStatus == status)
    #expect((error.hint != nil) == hasHint)
  }

  @Test func `The exit statuses are those of the manual`() {
    let all: [Support.ExitStatus] = [
      .done, .usage, .badData, .unavailable, .bug, .cannotCreate, .inputOutput, .locked,
      .permission, .configuration,
    ]
    #expect(all.map(\.rawValue) == [0, 64, 65, 69, 70, 73, 74, 75, 77, 78])
  }
}
