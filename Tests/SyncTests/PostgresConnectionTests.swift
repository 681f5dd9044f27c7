import Glibc
import Support
import System
import TestSupport
import Testing

@testable import Sync

@Suite(.enabled(if: PostgresCluster.isInstalled)) struct PostgresConnectionTests {
  let database: TestDatabase

  init() throws { database = try TestDatabase() }

  @Test func `Values come back as they went, whatever bytes they have`() throws {
    let connection = try database.connect()
    let texts = ["", "a", "\"quoted\"", #"back\slash"#, "{a,b}", "NULL", "ä\n\t"]
    let names: [[UInt8]?] = [[], [0, 255, 10], nil, Array("x".utf8), [92, 34], [1], [2]]
    let numbers: [Int64] = [0, 1, -1, .max, .min, 5, 6]
    let rows = try connection.run(
      """
      SELECT t, b, n, $4::text, $5::bigint
      FROM unnest($1::text[], $2::bytea[], $3::bigint[]) WITH ORDINALITY AS u (t, b, n, place)
      ORDER BY place
      """, .texts(texts), .bytes(names), .integers(numbers), .text("one"), .integer(7))
    #expect(rows.count == texts.count)
    for row in 0..<rows.count {
      #expect(rows.text(row, 0) == texts[row])
      #expect(rows.bytes(row, 1) == names[row])
      #expect(rows.integer(row, 2) == numbers[row])
      #expect(rows.text(row, 3) == "one" && rows.integer(row, 4) == 7)
    }
  }

  @Test func `A refused statement says its SQLSTATE, and the connection is good for the next`()
    throws
  {
    let connection = try database.connect()
    let error = #expect(throws: PostgresError.self) { try connection.execute("SELECT * FROM none") }
    #expect(error?.state == "42P01" && error?.kind == .refused)
    #expect(error?.message == #"relation "none" does not exist"#)
    #expect(try connection.run("SELECT 1").integer(0, 0) == 1)
  }

  @Test func `A transaction that throws leaves nothing`() throws {
    struct Stop: Error {}
    let connection = try database.connect()
    try connection.execute("CREATE TABLE t (n int)")
    #expect(throws: Stop.self) {
      try connection.transaction { connection in
        try connection.execute("INSERT INTO t VALUES (1)")
        throw Stop()
      }
    }
    #expect(try connection.run("SELECT * FROM t").count == 0)
  }

  @Test func `A transaction that met with another one runs anew`() throws {
    let first = try database.connect()
    try first.execute("CREATE TABLE t (n int); INSERT INTO t VALUES (0)")
    var tries = 0
    try first.transaction { connection in
      tries += 1
      try connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT n FROM t")
      if tries == 1 { try database.execute("UPDATE t SET n = n + 1") }
      try connection.execute("UPDATE t SET n = n + 10")
    }
    #expect(tries == 2)
    #expect(try first.run("SELECT n FROM t").integer(0, 0) == 11)
  }

  @Test func `A server that takes the connection and says nothing does not hold it up`() throws {
    let silent = try SilentServer()
    let start = Clock.monotonic
    let error = #expect(throws: PostgresError.self) {
      _ = try PostgresConnection.open(
        "host=127.0.0.1 port=\(silent.port) dbname=x user=x", patience: .seconds(1),
        deadline: start + .seconds(30))
    }
    #expect(error?.kind == .timedOut)
    #expect(error?.exitStatus == .unavailable)
    #expect(Clock.monotonic - start < .seconds(60))
  }

  @Test func `A statement that takes too long ends at the deadline`() throws {
    var connection = try database.connect()
    let start = Clock.monotonic
    connection.deadline = start + .seconds(1)
    let error = #expect(throws: PostgresError.self) {
      try connection.execute("SELECT pg_sleep(55)")
    }
    #expect(error?.kind == .timedOut)
    #expect(Clock.monotonic - start < .seconds(50))
  }

  @Test func `The next host of several is tried, and one that takes no changes is passed over`()
    throws
  {
    let silent = try SilentServer()
    let socket = database.cluster.socket
    let connection = try PostgresConnection.open(
      "host=127.0.0.1,\(socket) port=\(silent.port),5432 dbname=\(database.name) user=owner",
      patience: .seconds(20), deadline: Clock.monotonic + .seconds(100))
    #expect(try connection.run("SELECT 1").count == 1)
    try database.execute(
      "CREATE ROLE reader_\(database.name) LOGIN; ALTER ROLE reader_\(database.name) SET default_transaction_read_only = on"
    )
    let error = #expect(throws: PostgresError.self) {
      _ = try PostgresConnection.open(
        "host=\(socket),\(socket) dbname=\(database.name) user=reader_\(database.name)",
        patience: .seconds(30), deadline: Clock.monotonic + .seconds(60))
    }
    #expect(error?.message.contains("read-only") == true)
    try database.execute("DROP ROLE reader_\(database.name)")
  }

  @Test(arguments: [
    ("host=/nowhere dbname=x", Support.ExitStatus.unavailable, "No such file or directory"),
    ("host=", .unavailable, ""),
    ("nonsense", .configuration, "missing \"=\" after \"nonsense\""),
    ("hots=x", .configuration, "invalid connection option \"hots\""),
  ])
  func `Settings that lead nowhere say why`(
    settings: String, status: Support.ExitStatus, words: String
  ) {
    let error = #expect(throws: PostgresError.self) {
      _ = try PostgresConnection.open(
        settings == "host=" ? "host=/nowhere,/nothing" : settings, patience: .seconds(5),
        deadline: Clock.monotonic + .seconds(30))
    }
    #expect(error?.exitStatus == status && error?.hint != nil)
    #expect(error?.message.contains(words) == true || words.isEmpty)
    #expect(error?.message.contains("\n") == false)
  }

  @Test func `A missing database and a missing table have hints`() throws {
    let error = #expect(throws: PostgresError.self) {
      _ = try PostgresConnection.open(
        database.cluster.settings(of: "none"), patience: .seconds(30),
        deadline: Clock.monotonic + .seconds(60))
    }
    #expect(error?.state == "3D000" && error?.exitStatus == .configuration)
    #expect(error?.message.hasSuffix(#"FATAL: database "none" does not exist"#) == true)
  }
}

/// A socket that takes connections and never says a word.
final class SilentServer {
  private let socket: Int32
  let port: UInt16

  init() throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let socket = socket
    let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe bind(socket, address, length) == 0 && listen(socket, 16) == 0
          && getsockname(socket, address, &length) == 0
      }
    }
    guard isBound else { throw SystemError("listen on", "127.0.0.1") }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(socket) }
}
