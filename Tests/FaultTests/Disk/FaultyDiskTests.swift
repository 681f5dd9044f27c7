import SQLite
import TestSupport
import Testing

/// What the disk that other tests break does by itself.
@Suite struct FaultyDiskTests {
  let disk: FaultyDisk
  var path: String { disk.path + "/quota.db" }

  init() throws {
    disk = try FaultyDisk()
    let database = try open(.creating)
    try database.execute("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER)")
    disk.recover()
  }

  private func open(
    _ access: Connection.Access = .existing, synchronous: String = "FULL"
  ) throws -> Connection {
    let database = try Connection(path, access, busyTimeout: 0)
    try database.execute("PRAGMA synchronous = \(synchronous)")
    return database
  }

  private func rows() throws -> Int64 {
    let database = try open()
    #expect(try database.damage().isEmpty)
    return try database.integer("SELECT count(*) FROM t")
  }

  @Test
  func `A program that dies at a call has written nothing from that call on, and keeps no lock`()
    throws
  {
    var number = 1
    var kept = 0
    while true {
      let before = try rows()
      disk.recover()
      disk.die(atCall: number)
      let isDone = (try? open().execute("INSERT INTO t VALUES (1)")) != nil
      #expect(isDone != disk.isDead)
      disk.recover()
      let after = try rows()
      #expect(isDone ? after == before + 1 : (before...before + 1).contains(after))
      if isDone { break }
      kept += Int(after - before)
      number += 1
    }
    #expect(number > 10)
    #expect(kept > 0, "a commit that was written is kept, even if the program died then")
  }

  @Test func `A disk that is full takes no write, and what was on it stays`() throws {
    try open().execute("INSERT INTO t VALUES (1)")
    disk.fill(atWrite: 1)
    let error = #expect(throws: SQLiteError.self) { try open().execute("INSERT INTO t VALUES (2)") }
    #expect(error?.kind == .unwritable)
    #expect(try rows() == 1)
    disk.recover()
    try open().execute("INSERT INTO t VALUES (2)")
    #expect(try rows() == 2)
  }

  @Test(arguments: ["FULL", "NORMAL"])
  func `What is lost with the power is what was not synchronized`(synchronous: String) throws {
    var database: Connection? = try open(synchronous: synchronous)
    try database?.execute("INSERT INTO t VALUES (1)")
    try disk.beginJournal()
    try database?.execute("INSERT INTO t VALUES (2)")
    try database?.execute("INSERT INTO t VALUES (3)")
    database = nil
    let journal = disk.journal
    var chance = SeededRandom(seed: 1)
    for (surviving, expected) in [
      (DiskJournal.Survival.nothing, synchronous == "FULL" ? 3 : 1), (.everything, 3),
    ] {
      try disk.write(
        journal.files(after: journal.entries.count, surviving: surviving, by: &chance))
      #expect(try rows() == Int64(expected), "\(surviving)")
    }
  }

  @Test func `Sectors of a write are there or not, one by one`() throws {
    try disk.beginJournal()
    try open(synchronous: "OFF").execute("INSERT INTO t VALUES (randomblob(3000))")
    let journal = disk.journal
    var chance = SeededRandom(seed: 7)
    let all =
      journal.files(
        after: journal.entries.count, surviving: .everything, by: &chance)["quota.db-wal"] ?? []
    let images = (0..<50).map { _ in
      journal.files(after: journal.entries.count, surviving: .torn, by: &chance)["quota.db-wal"]
        ?? []
    }
    #expect(images.allSatisfy { $0.count <= all.count })
    #expect(Set(images).count > 40)
    for image in images {
      try disk.write(["quota.db": journal.base["quota.db"] ?? [], "quota.db-wal": image])
      #expect(try (0...1).contains(rows()))
    }
  }

  @Test func `Databases elsewhere notice nothing`() throws {
    let folder = try TemporaryDirectory()
    disk.die(atCall: 1)
    let database = try Connection(folder.path + "/other.db", .creating, busyTimeout: 0)
    try database.execute("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1)")
    #expect(try database.integer("SELECT count(*) FROM t") == 1)
    #expect(disk.calls == 0)
  }
}
