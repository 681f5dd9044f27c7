import Foundation
import Glibc
import TestSupport
import Testing

/// Disks that take nothing more, under the real programs: users over quota are disconnected all the same, and the
/// ledger is exact when there is room again.
@Suite(.enabled(if: getuid() == 0, "only root can mount"))
struct `A disk that takes nothing more` {
  enum Fault: String, CaseIterable {
    case full, withoutInodes, readOnly, broken
  }

  /// The state directory on a small disk of its own.
  private final class SmallDisk {
    let folder: TemporaryDirectory
    var path: String { folder.path + "/var" }

    init() throws {
      folder = try TemporaryDirectory()
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      try run("mount", "-t", "tmpfs", "-o", "size=16m,nr_inodes=64,mode=0755", "none", path)
    }

    deinit { _ = try? Program.run("umount", ["-l", path]) }

    func fail(_ fault: Fault) throws {
      switch fault {
      case .full: _ = try Program.run("dd", ["if=/dev/zero", "of=\(path)/filler", "bs=4096"])
      case .withoutInodes:
        _ = try Program.run("sh", ["-c", "i=0; while : >\(path)/filler$i; do i=$((i+1)); done"])
      case .readOnly: try run("mount", "-o", "remount,ro", path)
      case .broken: break
      }
    }

    func recover(from fault: Fault) throws {
      if fault == .readOnly { try run("mount", "-o", "remount,rw", path) }
      _ = try Program.run("sh", ["-c", "rm -f \(path)/filler*"])
    }

    private func run(_ program: String, _ arguments: String...) throws {
      try Program.run(program, arguments).requireSuccess()
    }
  }

  /// Lets each write to the ledger fail, as a disk with bad sectors does.
  private func inputOutputErrors(_ quota: Installation) -> [String] {
    let calls = "write,pwrite64,fdatasync,fsync,ftruncate,fallocate"
    let files = ["", "-wal"].map { quota.database + $0 }
    // A build with AddressSanitizer cannot look for leaks in a program that is traced.
    return [
      "/usr/bin/env", "ASAN_OPTIONS=detect_leaks=0",
      "/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=\(calls):error=EIO",
    ] + files.flatMap { ["-P", $0] }
  }

  @Test(.timeLimit(.minutes(5)), arguments: Fault.allCases)
  func `lets users over quota be disconnected, and is exact later`(fault: Fault) throws {
    let disk = try SmallDisk()
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"], in: disk.folder.path)
    try quota.sweep().expect(status: 0)
    // Who is told to go stays in the listing until the disk is well again.
    let server = try quota.addServer { $0.linger = 600_000 }
    func enter(_ name: String) throws -> SimulatedClient {
      let client = try server.enter(name, since: now - 60)
      try client.setCounters(received: 0, sent: 0)
      return client
    }
    let bob = try enter("bob")
    var violators = [try enter("alice"), try enter("carol")]
    try quota.sweep().expect(status: 0)

    try disk.fail(fault)
    // The third is one whom the ledger has never seen.
    violators.append(try enter("dave"))
    for violator in violators {
      try violator.download(20_000)
      try bob.download(1000)
      let wrapper = fault == .broken ? inputOutputErrors(quota) : []
      let outcome = try quota.run("quota-sweep", through: wrapper)
      #expect([73, 74, 77].contains(outcome.status), "\(outcome)")
      #expect(outcome.errors.contains("quota-sweep: error: cannot "), "\(outcome.errors)")
      #expect(!violator.isConnected)
      #expect(bob.isConnected)
    }

    try disk.recover(from: fault)
    try quota.sweep().expect(status: 0)
    for violator in violators { try violator.drop() }
    try bob.leave()
    try server.settle()
    try quota.sweep().expect(status: 0)
    #expect(
      try quota.probe.bytesUsed == ["alice": 20_000, "bob": 3000, "carol": 20_000, "dave": 20_000])
    #expect(try quota.probe.openSessions.isEmpty)
    #expect(try quota.probe.faults() == [])
    withExtendedLifetime(disk) {}
  }
}
