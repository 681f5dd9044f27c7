import Foundation
import Glibc
import TestSupport
import Testing

/// Disks that take nothing more, under the real programs: users over quota are disconnected all the same, and the
/// ledger is exact when there is room again.
@Suite(.enabled(if: SmallDisk.isAvailable, "only root with CAP_SYS_ADMIN can mount"))
struct `A disk that takes nothing more` {
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

  /// - Parameter fault: nil for one whose writes fail.
  @Test(.timeLimit(.minutes(5)), arguments: SmallDisk.Fault.allCases + [nil])
  func `lets users over quota be disconnected, and is exact later`(
    fault: SmallDisk.Fault?
  ) throws {
    let folder = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: folder.path + "/var", withIntermediateDirectories: false)
    let disk = try SmallDisk(on: folder.path + "/var", "size=16m,nr_inodes=64,mode=0755")
    let quota = try Installation(["DEFAULT_QUOTA": "10kB"], in: folder.path)
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

    if let fault { try disk.fail(fault) }
    // The third is one whom the ledger has never seen.
    violators.append(try enter("dave"))
    for violator in violators {
      try violator.download(20_000)
      try bob.download(1000)
      let wrapper = fault == nil ? inputOutputErrors(quota) : []
      let outcome = try quota.run("quota-sweep", through: wrapper)
      #expect([73, 74, 77].contains(outcome.status), "\(outcome)")
      #expect(outcome.errors.contains("quota-sweep: error: cannot "), "\(outcome.errors)")
      #expect(!violator.isConnected)
      #expect(bob.isConnected)
    }

    try disk.recover()
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
