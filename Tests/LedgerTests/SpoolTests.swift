import Foundation
import Quota
import TestSupport
import Testing

@testable import Ledger

private let hostile = UserName(bytes: Array("a\n=%/../\u{1b}[31m'\"".utf8) + [0xff, 0x00, 0x80])
/// The longest common name that the door lets in.
private let long = String(repeating: "n", count: 242)

@Suite struct `A record in the spool` {
  static let records: [SpoolRecord] = [
    .admitted(Admission(identity: session(), commonName: "alice", owner: "payer"), at: 5),
    .admitted(
      Admission(
        identity: session(), commonName: "alice", owner: "payer", wasHandedOn: true), at: 5),
    .admitted(Admission(identity: session("@../x"), commonName: hostile, owner: hostile), at: -5),
    .refused(
      Refusal(identity: session("fd00::1"), user: hostile, reason: .quota, at: 9, wasLogged: true)),
    .closed(final("alice", 1, .max, owner: "payer")),
    .closed(
      FinalReport(
        identity: session(), commonName: hostile, owner: nil, claimedOwner: nil,
        wasLetIn: true, clientAddress: nil, counters: nil, endedAt: 0)),
    .admitted(
      Admission(identity: session("@" + long), commonName: UserName(long), owner: "payer"), at: 5),
  ]

  @Test(arguments: records)
  func `reads back as it was written`(record: SpoolRecord) throws {
    let bench = try Bench()
    try bench.spool.leave(record)
    #expect(bench.spool.read(record.fileName) == record)
    let names = try FileManager.default.contentsOfDirectory(atPath: bench.spool.path)
    #expect(names == [record.fileName])
  }

  @Test(arguments: ["n", "%20"])
  func `of one long name does not displace that of another`(letter: String) throws {
    let bench = try Bench()
    let records = ["a", "b"].map { end in
      let address = "@" + String(repeating: letter, count: 240 / letter.utf8.count) + end
      return SpoolRecord.admitted(
        Admission(identity: session(address), commonName: "alice", owner: "payer"), at: 5)
    }
    for record in records { try bench.spool.leave(record) }
    for record in records { #expect(bench.spool.read(record.fileName) == record) }
  }

  @Test func `is named after the session`() {
    #expect(
      A_record.names == ["admitted-100-1795435200-10.8.0.2", "closed-100-1795435200-10.8.0.2"])
  }

  @Test(arguments: records)
  func `is nothing once any of its end is missing`(record: SpoolRecord) {
    let whole = record.encoded
    let kind = String(record.fileName.prefix { $0 != "-" })
    #expect(SpoolRecord(kind: kind, content: whole) == record)
    for length in 0..<whole.count {
      #expect(SpoolRecord(kind: kind, content: Array(whole.prefix(length))) == nil)
    }
  }

  private enum A_record {
    static let names = [records[0].fileName, records[4].fileName]
  }
}

@Suite struct `Taking in the spool` {
  @Test func `bills a closed session once, however often it is told`() throws {
    let bench = try Bench()
    let closed = final("alice", 100, 200, owner: "alice")
    for _ in 1...2 {
      try bench.spool.leave(.closed(closed))
      let intake = try bench.ledger.takeIn(
        bench.spool.readAll(), of: bench.spool, at: Bench.noon + 100)
      #expect(intake.closed == 1 && intake.problems.isEmpty)
    }
    #expect(try bench.used("alice") == 300)
    #expect(try bench.spool.readAll().reports.isEmpty)
  }

  @Test func `sets a damaged record aside and goes on`() throws {
    let bench = try Bench()
    try bench.folder.write("boot=1\npi", to: "spool/closed-1-2-10.8.0.9")
    try bench.spool.leave(.closed(final("alice", 1, 1, owner: "alice")))
    let intake = try bench.ledger.takeIn(
      bench.spool.readAll(), of: bench.spool, at: Bench.noon + 100)
    #expect(intake.closed == 1 && intake.problems.count == 1)
    #expect(try bench.spool.readAll().damaged.isEmpty)
    #expect(
      FileManager.default.fileExists(atPath: bench.spool.path + "/damaged-closed-1-2-10.8.0.9"))
  }

  @Test func `100 refusals are one counted row and one file`() throws {
    let bench = try Bench()
    for index in 0..<100 {
      let refusal = Refusal(
        identity: session(since: Bench.noon + Int64(index) * 11), user: "alice", reason: .quota,
        at: Bench.noon + Int64(index) * 11, wasLogged: index == 0)
      try bench.spool.leave(.refused(refusal))
      #expect(try bench.spool.fold(refusal))
      if index == 50 {
        _ = try bench.ledger.takeIn(bench.spool.readAll(), of: bench.spool, at: refusal.at)
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.spool.path).count == 1)
    for _ in 1...2 {
      _ = try bench.ledger.takeIn(bench.spool.readAll(), of: bench.spool, at: Bench.noon + 1100)
    }
    let events = try bench.probe.events
    #expect(events.map(\.kind) == ["refused"] && events.map(\.count) == [100])
    #expect(events.map { $0.lastAt - $0.at } == [99 * 11])
    _ = try bench.ledger.takeIn(bench.spool.readAll(), of: bench.spool, at: Bench.noon + 9000)
    #expect(try bench.spool.readAll().tallies.isEmpty)
  }

  @Test func `a refusal folded in twice counts once`() throws {
    let bench = try Bench()
    let refusal = Refusal(
      identity: session(), user: hostile, reason: .disabled, at: Bench.noon, wasLogged: true)
    for _ in 1...2 { #expect(try bench.spool.fold(refusal)) }
    #expect(bench.spool.tally(of: hostile, .disabled, at: Bench.noon)?.count == 1)
  }

  @Test func `an old refusal whose disconnect hook never came is counted by the sweep`() throws {
    let bench = try Bench()
    let refusal = Refusal(
      identity: session(), user: "alice", reason: .quota, at: Bench.noon, wasLogged: true)
    try bench.spool.leave(.refused(refusal))
    _ = try bench.ledger.takeIn(bench.spool.readAll(), of: bench.spool, at: Bench.noon + 30)
    #expect(bench.spool.refusal(of: session()) == refusal)
    _ = try bench.ledger.takeIn(bench.spool.readAll(), of: bench.spool, at: Bench.noon + 61)
    #expect(bench.spool.refusal(of: session()) == nil)
    _ = try bench.ledger.takeIn(bench.spool.readAll(), of: bench.spool, at: Bench.noon + 62)
    #expect(try bench.probe.events("refused").map(\.count) == [1])
  }

  @Test func `a run of refusals ends after an hour without one`() throws {
    let bench = try Bench()
    for time in [0, 10, 3700] as [Int64] {
      let refusal = Refusal(
        identity: session(since: Bench.noon + time), user: "alice", reason: .quota,
        at: Bench.noon + time, wasLogged: true)
      try bench.spool.fold(refusal)
      _ = try bench.ledger.takeIn(
        bench.spool.readAll(), of: bench.spool, at: Bench.noon + time)
    }
    #expect(try bench.probe.events.count == 2)
    #expect(try bench.probe.events.reduce(0) { $0 + $1.count } == 3)
  }
}

@Suite struct `The record of who was let in` {
  let door = Admission(identity: session(), commonName: "alice", owner: "payer")

  private func release(_ bench: Bench, _ report: ServerReport, spent: [Admission] = []) throws {
    _ = try bench.ledger.release(
      bench.spool.readAll(), spent: spent, reports: [report], of: bench.spool, at: report.at)
  }

  @Test func `stays until the session has an account`() throws {
    let bench = try Bench()
    try bench.spool.leave(.admitted(door, at: Bench.noon))
    try release(bench, report([]))
    #expect(bench.spool.admission(of: session(), named: "alice") == door)
    try release(bench, report([]), spent: [door])
    #expect(bench.spool.admission(of: session(), named: "alice") == nil)
  }

  @Test func `goes when the client never showed up, but not while its row is there`() throws {
    let bench = try Bench()
    try bench.spool.leave(.admitted(door, at: Bench.noon))
    try release(bench, report([], at: Bench.noon + 301, complete: false))
    try release(
      bench, report([sighting("alice", 0, 0, address: "10.8.0.9")], at: Bench.noon + 301))
    #expect(bench.spool.admission(of: session(), named: "alice") == door)
    try release(bench, report([], at: Bench.noon + 301))
    #expect(bench.spool.admission(of: session(), named: "alice") == nil)
  }

  @Test func `goes with the boot it was made in`() throws {
    let bench = try Bench()
    try bench.spool.leave(.admitted(door, at: Bench.noon))
    try release(bench, report([], boot: 8, at: Bench.noon + 1, complete: false))
    #expect(bench.spool.admission(of: session(), named: "alice") == nil)
  }

  @Test func `displaces that of a client turned away in the same second`() throws {
    let bench = try Bench()
    let refusal = Refusal(
      identity: session(), user: "bob", reason: .quota, at: Bench.noon, wasLogged: true)
    try bench.spool.leave(.refused(refusal))
    try bench.spool.leave(.admitted(door, at: Bench.noon))
    #expect(bench.spool.refusal(of: session()) == nil)
    #expect(bench.spool.admission(of: session(), named: "alice") == door)
    #expect(bench.spool.tally(of: "bob", .quota, at: Bench.noon)?.count == 1)
  }

  @Test func `is found by name where the address changed, if exactly one fits`() throws {
    let bench = try Bench()
    try bench.spool.leave(.admitted(door, at: Bench.noon))
    #expect(bench.spool.admission(of: session("10.8.0.77"), named: "alice") == door)
    #expect(bench.spool.admission(of: session("10.8.0.77"), named: "bob") == nil)
    #expect(bench.spool.admission(of: session("10.8.0.77", boot: 8), named: "alice") == nil)
    let other = Admission(identity: session("10.8.0.3"), commonName: "alice", owner: "x")
    try bench.spool.leave(.admitted(other, at: Bench.noon))
    #expect(bench.spool.admission(of: session("10.8.0.77"), named: "alice") == nil)
  }
}

@Test func `a spool that cannot be written says so and names the file`() throws {
  let spool = Spool(besideDatabase: "/nonexistent/quota.db")
  let error = #expect(throws: (any Error).self) {
    try spool.leave(.closed(final("alice", 1, 1)))
  }
  #expect("\(try #require(error))".contains("/nonexistent/spool/"))
  #expect(spool.admission(of: session(), named: "alice") == nil)
}

@Suite struct `What somebody planted in the spool` {
  let record = SpoolRecord.closed(final("alice", 1, 1))

  @Test func `is not written through`() throws {
    let bench = try Bench()
    let victim = try bench.folder.write("precious", to: "victim")
    let draft = "\(bench.spool.path)/.\(getpid())-\(record.fileName)"
    for name in [draft, "\(bench.spool.path)/\(record.fileName)"] {
      try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: victim)
    }
    try bench.spool.leave(record)
    #expect(try String(contentsOfFile: victim, encoding: .utf8) == "precious")
    #expect(bench.spool.read(record.fileName) == record)
  }

  @Test func `is neither followed nor waited for`() throws {
    let bench = try Bench()
    let elsewhere = try bench.folder.write(
      String(decoding: record.encoded, as: UTF8.self), to: "elsewhere")
    try FileManager.default.createSymbolicLink(
      atPath: "\(bench.spool.path)/closed-1-1-10.8.0.1", withDestinationPath: elsewhere)
    let pipe = "\(bench.spool.path)/closed-1-1-10.8.0.2"
    #expect(try Program.run("mkfifo", [pipe]).status == 0)
    let contents = try bench.spool.readAll()
    #expect(contents.reports.isEmpty)
    #expect(contents.damaged == ["closed-1-1-10.8.0.2"])
  }
}
