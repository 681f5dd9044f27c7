import Foundation
import Glibc
import Synchronization
import System
import TestSupport

@testable import Sync

/// A database of a test's own, gone when the test lets go of it.
final class TestDatabase {
  let cluster: PostgresCluster
  let name: String

  init(on cluster: PostgresCluster? = nil) throws {
    self.cluster = try cluster ?? PostgresCluster.shared.get()
    name = "t\(UUID().uuidString.prefix(8).lowercased())"
    try Self.execute("CREATE DATABASE \(name)", self.cluster.settings(of: "postgres"))
  }

  deinit {
    try? Self.execute("DROP DATABASE \(name) WITH (FORCE)", cluster.settings(of: "postgres"))
  }

  var settings: String { cluster.settings(of: name) }

  /// Connects with time enough for a slow machine.
  func connect(as role: String = "owner") throws -> PostgresConnection {
    try PostgresConnection.open(
      cluster.settings(of: name, as: role), patience: .seconds(60),
      deadline: Clock.monotonic + .seconds(120))
  }

  func execute(_ sql: String) throws { try Self.execute(sql, settings) }

  /// Makes a dump of it.
  ///
  /// - Returns: the file's path.
  func dump() throws -> String {
    let path = "\(cluster.socket)/\(name).dump"
    try cluster.run("pg_dump", ["-h", cluster.socket, "-U", "owner", "-f", path, name])
    return path
  }

  /// Has it be as it was when a dump was made.
  func restore(_ dump: String) throws {
    try execute("DROP TABLE quota_days, quota_usage, quota_facts, quota_hosts, quota_centre")
    try cluster.run(
      "psql", ["-q", "-h", cluster.socket, "-U", "owner", "-d", name, "-f", dump])
  }

  /// Kills what serves its connections, or all of PostgreSQL, after so many microseconds.
  ///
  /// - Returns: the thread that does, which has finished when that is done.
  func kill(_ what: Victim, after delay: UInt32) -> Thread {
    let (cluster, name, settings) = (cluster, name, settings)
    let thread = Thread {
      usleep(delay)
      if what == .server { return cluster.kill() }
      let connection = try? PostgresConnection.open(
        settings, patience: .seconds(60), deadline: Clock.monotonic + .seconds(120))
      let rows = try? connection?.run(
        """
        SELECT pid FROM pg_stat_activity WHERE datname = '\(name)' AND pid <> pg_backend_pid()
        """)
      guard let rows else { return }
      for row in 0..<rows.count { Glibc.kill(pid_t(rows.integer(row, 0) ?? 0), SIGKILL) }
    }
    thread.start()
    return thread
  }

  enum Victim { case connections, server }

  /// Ends all other connections to it after so many microseconds.
  ///
  /// - Returns: what is signalled when that is done.
  func cut(after delay: UInt32) -> DispatchSemaphore {
    let (done, name, settings) = (DispatchSemaphore(value: 0), name, settings)
    Thread {
      usleep(delay)
      try? Self.execute(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = '\(name)' AND pid <> pg_backend_pid()
        """, settings)
      done.signal()
    }.start()
    return done
  }

  private static func execute(_ sql: String, _ settings: String) throws {
    let connection = try PostgresConnection.open(
      settings, patience: .seconds(60), deadline: Clock.monotonic + .seconds(120))
    try connection.execute(sql)
  }
}

/// What stands between a host and the centre, and loses the first commit: with its answer, after the server
/// did it, or before the server hears of it.
final class LosingProxy: Sendable {
  private let folder: TemporaryDirectory
  private let server: String
  private let isCommitted: Bool
  private let lost = Mutex(false)
  var hasLost: Bool { lost.withLock { $0 } }

  init(to cluster: PostgresCluster, isCommitted: Bool) throws {
    folder = try TemporaryDirectory()
    server = "\(cluster.socket)/.s.PGSQL.5432"
    self.isCommitted = isCommitted
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard unsafe Self.name("\(folder.path)/.s.PGSQL.5432", bind, listener),
      listen(listener, 16) == 0
    else { throw SystemError("listen on", folder.path) }
    // It lives as long as the tests do.
    Thread {
      while true {
        let client = accept(listener, nil, nil)
        if client < 0 { return }
        Thread { self.carry(client) }.start()
      }
    }.start()
  }

  /// The connection string of a database behind it.
  func settings(of database: String) -> String {
    "host=\(folder.path) dbname=\(database) user=owner"
  }

  private func carry(_ client: Int32) {
    let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer {
      close(client)
      close(server)
    }
    guard unsafe Self.name(self.server, connect, server) else { return }
    var ends = [client, server].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    var isLosing = false
    while unsafe poll(&ends, 2, -1) > 0 {
      for (place, from) in ends.enumerated() where from.revents != 0 {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = unsafe read(from.fd, &bytes, bytes.count)
        if count <= 0 || isLosing { return }
        if place == 0, bytes.prefix(count).firstRange(of: "COMMIT".utf8) != nil {
          isLosing = lost.withLock { hasLost in
            defer { hasLost = true }
            return !hasLost
          }
          if isLosing, !isCommitted { return }
        }
        let isCarried = unsafe bytes.withUnsafeBytes {
          unsafe send(ends[1 - place].fd, $0.baseAddress, count, Int32(MSG_NOSIGNAL)) == count
        }
        if !isCarried { return }
      }
    }
  }

  /// Binds a socket to a path, or connects it.
  private static func name(
    _ path: String, _ body: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ socket: Int32
  ) -> Bool {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
  }
}
