import Foundation
import System
import TestSupport

@testable import Sync

/// A database of a test's own, gone when the test lets go of it.
final class TestDatabase {
  let cluster: PostgresCluster
  let name: String

  init() throws {
    cluster = try PostgresCluster.shared.get()
    name = "t\(UUID().uuidString.prefix(8).lowercased())"
    try Self.execute("CREATE DATABASE \(name)", cluster.settings(of: "postgres"))
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
