import Foundation
import System

/// A PostgreSQL of the tests' own, on a unix socket in a scratch folder, as the user `postgres` that
/// Debian's package makes, for it refuses to run as root.
package final class PostgresCluster: Sendable {
  /// The one that all tests share, started by the first.
  package static let shared: Result<PostgresCluster, any Error> = Result {
    let cluster = try PostgresCluster()
    atexit { try? PostgresCluster.shared.get().stop() }
    return cluster
  }

  private let folder: TemporaryDirectory
  private let data: String
  /// Where its socket is.
  package var socket: String { folder.path }

  /// Whether PostgreSQL is installed with its server. With `CI=true` it always says yes, so that a
  /// missing one fails there and is never skipped.
  package static let isInstalled =
    server != nil || ProcessInfo.processInfo.environment["CI"] == "true"

  private static let server: String? = {
    let root = "/usr/lib/postgresql"
    let versions = (try? names(inDirectory: root)) ?? []
    return versions.map { "\(root)/\($0)/bin" }.last { unsafe access("\($0)/initdb", X_OK) == 0 }
  }()

  package init() throws {
    folder = try TemporaryDirectory()
    data = "\(folder.path)/data"
    try Program.run("chmod", ["0755", folder.path]).requireSuccess()
    if getuid() == 0 { try Program.run("chown", ["postgres", folder.path]).requireSuccess() }
    try run(
      "initdb", ["-D", data, "-U", "owner", "--auth=trust", "-E", "UTF8", "--no-locale", "-N"])
    // Members of this role need a password.
    let access = "\(data)/pg_hba.conf"
    let present = try String(contentsOfFile: access, encoding: .utf8)
    try "local all +locked scram-sha-256\n\(present)".write(
      toFile: access, atomically: false, encoding: .utf8)
    try start()
    try run(
      "psql", ["-q", "-h", folder.path, "-U", "owner", "-c", "CREATE ROLE locked", "postgres"])
  }

  deinit { try? stop() }

  private func start() throws {
    let settings =
      "-c listen_addresses= -c unix_socket_directories=\(folder.path) -c fsync=off "
      + "-c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
    try run(
      "pg_ctl",
      ["-D", data, "-w", "-t", "120", "-l", "\(folder.path)/log", "-o", settings, "start"])
  }

  /// Ends it without a checkpoint, as a power loss would.
  private func stop() throws { try run("pg_ctl", ["-D", data, "-m", "immediate", "-w", "stop"]) }

  /// Runs one of PostgreSQL's own programs to its end. Not by Foundation, for which a program runs as long
  /// as what it started: pg_ctl starts the server.
  package func run(_ program: String, _ arguments: [String]) throws {
    let become = getuid() == 0 ? ["runuser", "-u", "postgres", "--"] : []
    let nothing = try Descriptor.open("/dev/null", O_RDONLY)
    let said = try Descriptor.open(
      "\(folder.path)/said", O_WRONLY | O_CREAT | O_APPEND, mode: 0o666)
    // Its user may not enter the folder that the tests run in.
    let status = try System.run(
      ["env", "-C", "/"] + become + ["\(Self.server ?? "")/\(program)"] + arguments,
      input: nothing, output: said, errors: said)
    guard status == 0 else {
      let text = try String(contentsOfFile: "\(folder.path)/said", encoding: .utf8)
      throw Failure(description: "\(program) ended with \(status): \(text)")
    }
  }

  struct Failure: Error, CustomStringConvertible { let description: String }

  /// The connection string of a database.
  package func settings(of database: String, as role: String = "owner") -> String {
    "host=\(socket) dbname=\(database) user=\(role)"
  }
}
