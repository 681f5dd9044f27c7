import Foundation
import Glibc
import Gate
import Quota
import System
import TestSupport
import Testing

@testable import Ledger

/// What becomes of the files of the journal between two sweeps: by a loss of power, a restored copy, a
/// rotation, or a member of the hooks' group.
@Suite struct `A journal that is not as it was left` {
  private let bob = session("10.8.0.3", from: "192.0.2.2:1")
  private let carol = session("10.8.0.4", since: Bench.noon + 200, from: "192.0.2.3:1")

  /// A ledger that has taken in alice's whole session, and bob's live one.
  private func bench() throws -> Bench {
    let bench = try Bench()
    try bench.connect("alice")
    try bench.leave(final("alice", 1000, 0))
    try bench.connect("bob", bob, at: Bench.noon + 95)
    try bench.sweep(
      report(
        [listed("bob", 50, 0, address: "10.8.0.3", from: "192.0.2.2:1")], at: Bench.noon + 100))
    #expect(try used(bench) == [1000, 50, 0])
    return bench
  }

  private func used(_ bench: Bench) throws -> [Int64] {
    let usage = try bench.probe.usage(by: .history)
    return ["alice", "bob", "carol"].map { usage[$0]?.total ?? 0 }
  }

  /// bob leaves, carol comes and goes.
  private func goOn(_ bench: Bench) throws {
    try bench.leave(final("bob", 80, 0, bob, after: 150))
    try bench.leave(final("carol", 300, 0, carol, owner: "carol"))
  }

  /// Takes the journal in, twice, and sees that each session was counted once.
  private func expectTruth(
    _ bench: Bench, _ what: String, at location: SourceLocation = #_sourceLocation
  ) throws {
    for _ in 0..<2 {
      try bench.take(at: Bench.noon + 400)
      #expect(try used(bench) == [1000, 80, 300], "\(what)", sourceLocation: location)
      let logged = try bench.probe.loggedSessions.map(\.user)
      #expect(logged == ["alice", "bob", "carol"], "\(what)", sourceLocation: location)
      #expect(try bench.probe.openSessions.isEmpty, "\(what)", sourceLocation: location)
      #expect(try bench.probe.faults() == [], "\(what)", sourceLocation: location)
    }
  }

  /// What happens to a file whose lines are known, and whose last one is bob's `in`.
  static let damages: [(what: String, damage: @Sendable (JournalBytes) throws -> Void)] = [
    ("nothing", { _ in }),
    ("cut to nothing", { try $0.cut(to: 0) }),
    ("cut within its header", { try $0.cut(to: 10) }),
    ("cut behind its header", { try $0.cut(to: $0.lines[0].upperBound) }),
    ("cut within its first record", { try $0.cut(to: $0.lines[1].lowerBound + 20) }),
    ("cut before a record that was taken in", { try $0.cut(to: $0.lines[2].upperBound) }),
    ("cut within its last record", { try $0.cut(to: $0.lines[3].lowerBound + 20) }),
    ("without its last byte", { try $0.cut(to: $0.lines[3].upperBound - 1) }),
    ("with another checksum at its end", { try $0.change(at: $0.lines[3].upperBound - 1) }),
    ("with its last record spoilt", { try $0.change(at: $0.lines[3].lowerBound + 30) }),
    ("with another generation", { try $0.change(at: $0.lines[0].lowerBound + 15) }),
    ("with its header spoilt", { try $0.change(at: $0.lines[0].upperBound - 1) }),
    ("with a hole behind it", { try $0.cut(to: 1 << 20) }),
    ("with all its lines twice", { try $0.append($0.bytes) }),
    ("with its records before it", { try $0.write($0.bytes + $0.bytes) }),
    ("with another beginning", { try $0.write(Array("\ngarbage".utf8) + $0.bytes) }),
    ("made anew", { try $0.remake(after: 1 << 20) }),
    ("made anew by nobody who knows positions", { try $0.remake(after: 0) }),
  ]

  @Test(arguments: damages.indices)
  func `counts each session once`(index: Int) throws {
    let (what, damage) = Self.damages[index]
    let bench = try bench()
    try damage(JournalBytes(in: bench.folder.path))
    try goOn(bench)
    try expectTruth(bench, what)
  }

  @Test func `is read whole where no place is known, and marks tell what is`() throws {
    let bench = try bench()
    try bench.probe.forgetJournalPosition()
    try goOn(bench)
    try expectTruth(bench, "once")
    try bench.rotate()
    try bench.probe.forgetJournalPosition()
    try expectTruth(bench, "again")
  }

  /// What was lost with the end of a session that only the journal knew is not made up.
  @Test func `loses no more than the records that are gone`() throws {
    let bench = try bench()
    let journal = try JournalBytes(in: bench.folder.path)
    try goOn(bench)
    try journal.cut(to: journal.bytes.count)
    try bench.connect("carol", carol)
    try bench.take(at: Bench.noon + 400)
    #expect(try used(bench) == [1000, 50, 0])
    #expect(try bench.probe.openSessions.map(\.owner) == ["bob", "carol"])
    // The next listing has bob's counters still, and carol's.
    try bench.sweep(
      report(
        [
          listed("bob", 80, 0, address: "10.8.0.3", from: "192.0.2.2:1"),
          listed(
            "carol", 300, 0, address: "10.8.0.4", since: carol.since, from: "192.0.2.3:1"),
        ], at: Bench.noon + 460))
    #expect(try used(bench) == [1000, 80, 300])
  }

  /// As many as no server lets in, but as anybody in the hooks' group can claim.
  @Test func `of many sessions of one second counts each of them once`() throws {
    let bench = try Bench()
    let places = (0..<120).map { session("10.8.0.\($0 + 1)", from: "192.0.2.1:\($0 + 1)") }
    // A listing shows one of them before the journal does, and the last of them have an end alone.
    try bench.sweep(
      report(
        [listed("alice", 5, 0, address: "10.8.0.80", from: "192.0.2.1:80")],
        at: Bench.noon + 100))
    for place in places[..<80] { try bench.connect("alice", place) }
    for (number, place) in places.enumerated() {
      try bench.leave(final("alice", 10_000 + Int64(number), 0, place))
    }
    let journal = try JournalBytes(in: bench.folder.path)
    for what in ["once", "again"] {
      try bench.take(at: Bench.noon + 400)
      #expect(try used(bench)[0] == 120 * 10_000 + 120 * 119 / 2, "\(what)")
      #expect(try bench.probe.loggedSessions.count == 120, "\(what)")
      #expect(try bench.probe.openSessions.isEmpty, "\(what)")
      #expect(try bench.probe.faults() == [], "\(what)")
      try journal.append(journal.bytes)
    }
  }

  // MARK: Copies

  @Test(arguments: [false, true])
  func `is newer than a restored ledger`(isRotated: Bool) throws {
    let bench = try bench()
    let copy = try bench.backUp()
    try bench.leave(final("bob", 80, 0, bob, after: 150))
    try bench.take(at: Bench.noon + 200)
    if isRotated { try bench.rotate() }
    try bench.leave(final("carol", 300, 0, carol, owner: "carol"))
    try expectTruth(bench, "before")
    try bench.restore(copy)
    #expect(try used(bench) == [1000, 50, 0])
    try expectTruth(bench, "after")
  }

  @Test(arguments: [false, true])
  func `is older than the ledger`(isRotated: Bool) throws {
    let bench = try bench()
    let before = try JournalBytes(in: bench.folder.path)
    if isRotated {
      try bench.rotate()
      try bench.take(at: Bench.noon + 110)
    }
    try bench.leave(final("bob", 80, 0, bob, after: 150))
    try bench.take(at: Bench.noon + 200)
    try before.write(before.bytes)
    try bench.take(at: Bench.noon + 210)
    #expect(try used(bench) == [1000, 80, 0])
    try bench.leave(final("carol", 300, 0, carol, owner: "carol"))
    try expectTruth(bench, "after")
  }

  @Test func `is put back together with its ledger`() throws {
    let bench = try bench()
    let (copy, before) = (try bench.backUp(), try JournalBytes(in: bench.folder.path))
    try goOn(bench)
    try expectTruth(bench, "before")
    try bench.restore(copy)
    try before.write(before.bytes)
    try bench.take(at: Bench.noon + 400)
    #expect(try used(bench) == [1000, 50, 0])
    try goOn(bench)
    try expectTruth(bench, "after")
  }

  // MARK: Rotation

  @Test func `goes on in the file before it, where a hook had that open`() throws {
    let bench = try bench()
    try bench.rotate()
    let old = try JournalBytes(in: bench.folder.path, "journal.old")
    let end = bench.record(
      .end, bob, "bob", at: Bench.noon + 150, mark: 90, counters: Traffic(received: 80),
      duration: 150)
    try old.append(end.encoded())
    try bench.leave(final("carol", 300, 0, carol, owner: "carol"))
    try expectTruth(bench, "while it is there")
    try bench.ledger.removeOldJournal(at: moment(Bench.noon + 400))
    #expect(!FileManager.default.fileExists(atPath: old.path))
    try expectTruth(bench, "when it is gone")
  }

  @Test func `is read to its end once more, before the file is let go of`() throws {
    let bench = try bench()
    try bench.rotate()
    try bench.take(at: Bench.noon + 140)
    let old = try JournalBytes(in: bench.folder.path, "journal.old")
    try old.append(
      bench.record(
        .end, bob, "bob", at: Bench.noon + 150, mark: 90, counters: Traffic(received: 80),
        duration: 150
      ).encoded())
    try bench.ledger.removeOldJournal(at: moment(Bench.noon + 200))
    try bench.leave(final("carol", 300, 0, carol, owner: "carol"))
    try expectTruth(bench, "after")
  }

  /// A hook that sees the file exchanged under it writes the same record into both.
  @Test(arguments: [true, false])
  func `has one record in both files`(isAtOnce: Bool) throws {
    let bench = try bench()
    try bench.rotate()
    let old = try JournalBytes(in: bench.folder.path, "journal.old")
    let records = [
      bench.record(
        .end, bob, "bob", at: Bench.noon + 150, mark: 90, counters: Traffic(received: 80),
        duration: 150),
      bench.record(.in, carol, "carol", at: carol.since, mark: 91),
      bench.record(
        .end, carol, "carol", at: carol.since + 90, mark: 92, counters: Traffic(received: 300),
        duration: 90),
    ]
    for record in records { try old.append(record.encoded()) }
    if !isAtOnce { try bench.take(at: Bench.noon + 300) }
    for record in records { try bench.append(record) }
    try expectTruth(bench, "in both")
    try bench.ledger.removeOldJournal(at: moment(Bench.noon + 400))
    try expectTruth(bench, "in the one that is left")
  }

  @Test func `is gone with what only it told of, and a listing goes on`() throws {
    let bench = try Bench()
    try bench.close(final("alice", 1000, 0, owner: "alice"))
    try bench.rotate()
    try bench.take(at: Bench.noon + 100)
    try bench.ledger.removeOldJournal(at: moment(Bench.noon + 200))
    let bob = listed("bob", 50, 0, address: "10.8.0.3", since: Bench.noon + 250)
    try bench.sweep(report([bob], at: Bench.noon + 300))
    #expect(try used(bench) == [1000, 50, 0])
    #expect(try bench.probe.openSessions.map(\.owner) == ["bob"])
    #expect(try bench.probe.faults() == [])
  }
}

@Suite struct `Two servers` {
  private func identity(_ server: String, pid: Int64 = 100) -> SessionIdentity {
    SessionIdentity(boot: 7, pid: pid, since: Bench.noon, address: "10.8.0.2", server: server)
  }

  /// As in two containers, down to the second, the port and the address in the tunnel.
  @Test func `with one process id are told apart by their names`() throws {
    let bench = try Bench()
    try bench.connect("alice", identity("one"))
    try bench.connect("bob", identity("two"))
    try bench.take([
      report([listed("alice", 10, 0)], server: "one"),
      report([listed("bob", 20, 0)], server: "two"),
    ])
    #expect(try bench.used("alice") == 10 && bench.used("bob") == 20)
    // A listing of one without its client closes nothing of the other's.
    try bench.take([report([], server: "two", at: Bench.noon + 70)])
    #expect(try bench.probe.openSessions.map(\.owner) == ["alice"])
    try bench.leave(final("bob", 25, 0, identity("two")))
    try bench.leave(final("alice", 15, 0, identity("one")))
    try bench.take(at: Bench.noon + 100)
    #expect(try bench.used("alice") == 15 && bench.used("bob") == 25)
    #expect(try bench.probe.loggedSessions.count == 2)
  }

  @Test func `that nothing tells apart are an error, and neither is billed for the other`() throws {
    let bench = try Bench()
    // Both configs are called server.conf.
    try bench.connect("alice", identity("server"))
    let result = try bench.take([
      report([listed("alice", 10, 0)], server: "one"),
      report([listed("bob", 20, 0)], server: "two"),
    ])
    #expect(result.listings.count { $0.failure?.contains("process id 100") == true } == 2)
    #expect(try bench.probe.users.map(\.bytesUsed).allSatisfy { $0 == 0 })
    try bench.close(final("alice", 15, 0, identity("server")))
    #expect(try bench.used("alice") == 15)
  }

  /// The hooks call the server by its config, the sweep by a name in the settings.
  @Test(arguments: [false, true])
  func `of which one crashed lock nobody out, whatever name its hooks have`(isBack: Bool) throws {
    let bench = try Bench()
    try bench.add("alice", Terms(quota: 0, maxSessions: 1))
    try bench.connect("alice", identity("udp"))
    try bench.sweep(report([listed("alice", 10, 0)], server: "office"))
    #expect(try bench.probe.openSessions.count == 1)
    // It runs again, and the client may be back before a sweep sees that.
    let again = SessionIdentity(
      boot: 7, pid: 200, since: Bench.noon + 100, address: "10.8.0.2", server: "udp")
    if isBack { try bench.connect("alice", again) }
    let rows = isBack ? [listed("alice", 5, 0, since: again.since)] : []
    let listing = report(rows, server: "office", pid: 200, at: Bench.noon + 130)
    let result = try bench.sweep(listing)
    #expect(result.closed == 1)
    #expect(try bench.ledger.sessions.violations(among: result.live, of: listing).isEmpty)
    #expect(try bench.probe.openSessions.count == (isBack ? 1 : 0))
    #expect(try bench.used("alice") == (isBack ? 15 : 10))
  }
}

/// The bytes of a file of the journal, as they were when this was made.
struct JournalBytes: Sendable {
  let path: String
  let bytes: [UInt8]
  /// Its lines, each with the line feed before it.
  let lines: [Range<Int>]

  init(in folder: String, _ name: String = "journal") throws {
    path = folder + "/" + name
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let starts = bytes.indices.filter { bytes[$0] == 10 }
    self.bytes = bytes
    lines = zip(starts, starts.dropFirst() + [bytes.count]).map { $0..<$1 }
  }

  /// Writes into the file that hooks have open, as a program in their group may.
  func write(_ bytes: [UInt8]) throws {
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: Data(bytes))
    try file.close()
  }

  func append(_ bytes: [UInt8]) throws {
    let file = try #require(FileHandle(forWritingAtPath: path))
    try file.seekToEnd()
    try file.write(contentsOf: Data(bytes))
    try file.close()
  }

  func cut(to size: Int) throws { #expect(unsafe truncate(path, size) == 0) }

  func change(at index: Int) throws {
    var bytes = bytes
    bytes[index] = bytes[index] == 65 ? 66 : 65
    try write(bytes)
  }

  /// Puts a new file in its place.
  func remake(after position: Int64) throws {
    try FileManager.default.removeItem(atPath: path)
    let folder = (path as NSString).deletingLastPathComponent
    try Journal.prepare(in: Directory(folder), generation: 99, after: position)
  }
}

extension Bench {
  /// Rotates the journal, without taking the old one in.
  fileprivate func rotate() throws {
    _ = try Journal.rotate(in: Directory(folder.path), generation: 98, after: journalEnd())
  }
}
