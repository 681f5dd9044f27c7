import Glibc
import SQLite
import TestSupport
import Testing

@Suite struct `A connection` {
  let folder: TemporaryDirectory
  let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path + "/test.db"
    try Connection(path, .creating, busyTimeout: 0).execute(
      "PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER, b TEXT)")
  }

  @Test func `keeps all of a transaction or nothing`() throws {
    let database = try Connection(path, busyTimeout: 0)
    #expect(throws: SQLiteError.self) {
      try database.transaction { () throws(SQLiteError) in
        try database.execute("INSERT INTO t VALUES (1, 'x')")
        try database.execute("INSERT INTO nowhere VALUES (1)")
      }
    }
    #expect(try database.integer("SELECT count(*) FROM t") == 0)
    let isOpen = database.isInTransaction
    #expect(!isOpen)
    try database.transaction { () throws(SQLiteError) in
      try database.execute("INSERT INTO t VALUES (1, 'x')")
    }
    #expect(try database.integer("SELECT count(*) FROM t") == 1)
  }

  @Test func `keeps compiled statements for their next use, without what was bound to them`() throws
  {
    let database = try Connection(path, busyTimeout: 0, keepsStatements: true)
    for number in 1...3 as ClosedRange<Int64> {
      var insert = try database.prepare("INSERT INTO t VALUES (?1, ?2)")
      insert.bind(1, number)
      if number == 1 { insert.bind(2, "x") }
      try insert.run()
    }
    #expect(try database.integer("SELECT count(*) FROM t WHERE b IS NULL") == 2)
    // Two of the same text at once, one of them left at a row.
    var one = try database.prepare("SELECT a FROM t ORDER BY a")
    var other = try database.prepare("SELECT a FROM t ORDER BY a")
    #expect(try one.step() && other.step() && other.step())
    #expect((one.integer(0), other.integer(0)) == (1, 2))
    _ = consume one
    _ = consume other
    #expect(try database.integer("SELECT a FROM t ORDER BY a") == 1)
    // Neither holds a lock any more.
    try database.execute("DROP TABLE t")
  }

  @Test func `takes everything back after a dry run`() throws {
    let database = try Connection(path, busyTimeout: 0)
    let seen = try database.dryRun {
      try database.transaction { () throws(SQLiteError) in
        try database.execute("INSERT INTO t VALUES (1, 'x')")
      }
      return try database.integer("SELECT count(*) FROM t")
    }
    #expect(seen == 1)
    #expect(try database.integer("SELECT count(*) FROM t") == 0)
  }

  @Test func `says busy when another connection holds the write lock`() throws {
    let first = try Connection(path, busyTimeout: 0)
    let second = try Connection(path, busyTimeout: 10)
    try first.transaction { () throws(SQLiteError) in
      let busy = #expect(throws: SQLiteError.self) {
        try second.execute("INSERT INTO t VALUES (2, 'y')")
      }
      #expect(busy?.kind == .busy)
    }
  }

  @Test func `names the database and the trouble when it cannot be opened`() throws {
    let missing = #expect(throws: SQLiteError.self) {
      _ = try Connection("/nonexistent/x.db", busyTimeout: 0)
    }
    #expect(missing?.description == "cannot open /nonexistent/x.db: unable to open database file")
    #expect(missing?.kind == .missing)
    let text = try folder.write(String(repeating: "no database ", count: 100), to: "text")
    let damaged = #expect(throws: SQLiteError.self) {
      try Connection(text, busyTimeout: 0).integer("SELECT count(*) FROM sqlite_schema")
    }
    #expect(damaged?.kind == .damaged)
  }

  @Test func `binds and reads bytes that are no text, empty text and NULL`() throws {
    let database = try Connection(path, busyTimeout: 0)
    var insert = try database.prepare("INSERT INTO t VALUES (?1, ?2)")
    for bytes in [[0xff, 0x00, 0x41], []] as [[UInt8]] {
      insert.bind(1, Int64(bytes.count))
      insert.bind(2, bytes: bytes)
      try insert.run()
    }
    insert.bind(1, nil as Int64?)
    insert.bind(2, nil as String?)
    try insert.run()
    var select = try database.prepare("SELECT a, b FROM t ORDER BY rowid")
    #expect(try select.step())
    #expect(select.bytes(1) == [0xff, 0x00, 0x41])
    #expect(try select.step())
    #expect(select.bytes(1).isEmpty && !select.isNull(1))
    #expect(try select.step())
    #expect(select.isNull(1) && select.optionalInteger(0) == nil)
    #expect(try !select.step())
  }

  @Test func `leaves the log alone when it closes and empties it on a checkpoint`() throws {
    let log = path + "-wal"
    do {
      let writer = try Connection(path, busyTimeout: 0)
      for number in 0..<2000 { try writer.execute("INSERT INTO t VALUES (\(number), 'text')") }
    }
    let size = try #require(try? Program.run("stat", ["-c", "%s", log]).output)
    #expect(Int(size.dropLast()) ?? 0 > 1_000_000)
    let keeper = try Connection(path, busyTimeout: 0)
    #expect(try keeper.checkpoint())
    #expect(try Program.run("stat", ["-c", "%s", log]).output == "0\n")
  }

  @Test func `does not wait with a checkpoint for a reader`() throws {
    let writer = try Connection(path, busyTimeout: 0)
    try writer.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    let reader = try Connection(path, busyTimeout: 0)
    var rows = try reader.prepare("SELECT a FROM t")
    #expect(try rows.step())
    try writer.execute("INSERT INTO t VALUES (3, 'c')")
    let keeper = try Connection(path, busyTimeout: 5000)
    #expect(try keeper.checkpoint() == false)
    rows.reset()
    #expect(try keeper.checkpoint())
  }

  @Test func `runs no trigger of its file and reads no view`() throws {
    let database = try Connection(path, busyTimeout: 0)
    try database.execute(
      """
      CREATE TRIGGER more AFTER INSERT ON t BEGIN INSERT INTO t VALUES (0, 'planted'); END;
      CREATE VIEW v AS SELECT * FROM t;
      INSERT INTO t VALUES (1, 'x')
      """)
    #expect(try database.integer("SELECT count(*) FROM t") == 1)
    #expect(throws: SQLiteError.self) { try database.integer("SELECT count(*) FROM v") }
  }

  @Test func `lets no statement break the file, nor the schema call what does harm`() throws {
    let database = try Connection(path, busyTimeout: 0)
    try database.execute("PRAGMA writable_schema = ON; PRAGMA journal_mode = OFF")
    #expect(throws: SQLiteError.self) { try database.execute("DELETE FROM sqlite_schema") }
    #expect(try database.integer("PRAGMA trusted_schema") == 0)
    #expect(try database.integer("SELECT count(*) FROM t") == 0)
  }

  @Test func `follows no link to its file`() throws {
    let link = "\(folder.path)/link.db"
    #expect(unsafe symlink("test.db", link) == 0)
    #expect(throws: SQLiteError.self) { _ = try Connection(link, busyTimeout: 0) }
  }
}

@Suite struct `An update of many rows` {
  private func database() throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    try Connection(folder.path + "/test.db", .creating, busyTimeout: 0).execute(
      """
      CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER);
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
      INSERT INTO t SELECT i * 3, i, 0 FROM n
      """)
    return folder
  }

  @Test func `writes what was given for each, and says which are not there`() throws {
    let folder = try database()
    let database = try Connection(
      folder.path + "/test.db", busyTimeout: 0, watching: ["u", "t"])
    var update = try BulkUpdate(
      database,
      "UPDATE t SET a = given(id, 0, a), b = given(id, 1) + ?4 WHERE id BETWEEN ?1 AND ?2 AND (?3 OR given(id))"
    )
    // Near to each other and far, in no order.
    for id in [300, 3, 9, 10, 6, 150, 291, 17, 400] as [Int64] { update.add(id, id * 10, -id) }
    update.add(30, .max, 0)
    var missing: [Int64] = []
    try update.run(1 as Int64) { key, first, second in
      missing.append(key)
      #expect(first == key * 10 && second == -key)
    }
    #expect(missing == [10, 17, 400])
    let rows = try database.query("SELECT id, a, b FROM t WHERE b <> 0 ORDER BY id") {
      [$0.integer(0), $0.integer(1), $0.integer(2)]
    }
    let expected: [[Int64]] = [
      [3, 31, -2], [6, 62, -5], [9, 93, -8], [30, .max, 1], [150, 1550, -149], [291, 3007, -290],
      [300, 3100, -299],
    ]
    #expect(rows == expected)
    #expect(database.watch.rows(of: "t") == [3, 6, 9, 30, 150, 291, 300])
    #expect(!database.watch.hasChanges(in: "u"))
    // Nothing is left of it.
    try update.run(1 as Int64)
    #expect(try database.integer("SELECT given(3)") == 0)
  }
}
