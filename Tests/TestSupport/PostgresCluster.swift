import Foundation
import Glibc
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
  /// Of 127.0.0.1; nil where it listens on its socket only.
  private let port: UInt16?
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

  /// - Parameter isOnNetwork: whether it listens on a port of 127.0.0.1 too.
  package init(isOnNetwork: Bool = false) throws {
    folder = try TemporaryDirectory()
    port = isOnNetwork ? try Self.freePort() : nil
    data = "\(folder.path)/data"
    try Program.run("chmod", ["0755", folder.path]).requireSuccess()
    if getuid() == 0 { try Program.run("chown", ["postgres", folder.path]).requireSuccess() }
    try run(
      "initdb", ["-D", data, "-U", "owner", "--auth=trust", "-E", "UTF8", "--no-locale", "-N"])
    // Members of this role need a password.
    let access = "\(data)/pg_hba.conf"
    let present = try String(contentsOfFile: access, encoding: .utf8)
    try "local all +locked scram-sha-256\nlocal all barred reject\n\(present)".write(
      toFile: access, atomically: false, encoding: .utf8)
    try start()
    try run(
      "psql", ["-q", "-h", folder.path, "-U", "owner", "-c", "CREATE ROLE locked", "postgres"])
  }

  deinit { try? stop() }

  private static func freePort() throws -> UInt16 {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe bind(socket, address, length) == 0 && getsockname(socket, address, &length) == 0
      }
    }
    guard isBound else { throw SystemError("listen on", "127.0.0.1") }
    return UInt16(bigEndian: address.sin_port)
  }

  private func start() throws {
    let network = port.map { "-c port=\($0) -c listen_addresses=127.0.0.1" }
    let settings =
      "\(network ?? "-c listen_addresses=") -c unix_socket_directories=\(folder.path) -c fsync=off "
      + "-c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
    try run(
      "pg_ctl",
      ["-D", data, "-w", "-t", "120", "-l", "\(folder.path)/log", "-o", settings, "start"])
  }

  /// Ends it without a checkpoint, as a power loss would.
  package func stop() throws { try run("pg_ctl", ["-D", data, "-m", "immediate", "-w", "stop"]) }

  /// Kills it at once, but not what serves its connections, which ends by itself.
  package func kill() {
    let text = (try? String(contentsOfFile: "\(data)/postmaster.pid", encoding: .utf8)) ?? ""
    if let pid = text.split(separator: "\n").first.flatMap({ pid_t($0) }) {
      Glibc.kill(pid, SIGKILL)
    }
  }

  /// Has it serve again, wherever it was killed.
  package func revive() throws {
    let deadline = Clock.monotonic + .seconds(120)
    // It does not start while anything of the former one is left, and refuses all until it has recovered.
    while (try? run("psql", ["-h", folder.path, "-U", "owner", "-c", "", "postgres"])) == nil {
      guard Clock.monotonic < deadline else { return try start() }
      usleep(100_000)
      let status = ["-D", data, "status"]
      if (try? run("pg_ctl", status)) == nil { try? start() }
    }
  }

  /// Runs one of PostgreSQL's own programs to its end. Not by Foundation, for which a program runs as long
  /// as what it started: pg_ctl starts the server.
  package func run(_ program: String, _ arguments: [String]) throws {
    let become = getuid() == 0 ? ["runuser", "-u", "postgres", "--"] : []
    let nothing = try Descriptor.open("/dev/null", O_RDONLY)
    let said = try Descriptor.open(
      "\(folder.path)/said", O_WRONLY | O_CREAT | O_APPEND, mode: 0o666)
    // Its user may not enter the folder that the tests run in.
    let status = try System.run(
      ["env", "-C", "/", "PGPORT=\(port ?? 5432)"] + become + ["\(Self.server ?? "")/\(program)"]
        + arguments,
      input: nothing, output: said, errors: said)
    guard status == 0 else {
      let text = try String(contentsOfFile: "\(folder.path)/said", encoding: .utf8)
      throw Failure(description: "\(program) ended with \(status): \(text)")
    }
  }

  /// Makes a certificate that it signs itself, and its key, readable to its user.
  package static func makeCertificate(
    for name: String, at certificate: String, key: String
  ) throws {
    try Program.run(
      "openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
        "2",
        "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-out", certificate,
        "-keyout", key,
      ]
    ).requireSuccess()
    try Program.run("chmod", ["0644", certificate]).requireSuccess()
  }

  /// Has it speak TLS from now on.
  ///
  /// - Returns: the file of its certificate, which is its own authority.
  package func turnTLSOn(for name: String) throws -> String {
    let (certificate, key) = ("\(folder.path)/server.crt", "\(folder.path)/server.key")
    try Self.makeCertificate(for: name, at: certificate, key: key)
    try Program.run("chmod", ["0600", key]).requireSuccess()
    if getuid() == 0 { try Program.run("chown", ["postgres", key]).requireSuccess() }
    for change in [
      "ALTER SYSTEM SET ssl_cert_file = '\(certificate)'",
      "ALTER SYSTEM SET ssl_key_file = '\(key)'",
      "ALTER SYSTEM SET ssl = on",
    ] {
      try run("psql", ["-q", "-h", socket, "-U", "owner", "-c", change, "postgres"])
    }
    // A restart, for a reload is not done when it is asked for.
    try stop()
    try start()
    return certificate
  }

  struct Failure: Error, CustomStringConvertible { let description: String }

  /// The connection string of a database.
  package func settings(of database: String, as role: String = "owner") -> String {
    "host=\(socket) dbname=\(database) user=\(role)"
  }

  /// What a connection string over the network has besides a host.
  package func networkSettings(of database: String) -> String {
    "port=\(port ?? 5432) dbname=\(database) user=owner"
  }
}
