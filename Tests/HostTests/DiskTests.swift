import Foundation
import TestSupport
import Testing

/// Disks that take nothing more, under real servers.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct DiskTests {
  private enum Fault: CaseIterable { case full, readOnly }

  @Test(arguments: Fault.allCases)
  private func `who is over quota goes all the same, and bytes are exact when there is room again`(
    fault: Fault
  ) throws {
    let quota = try QuotaHost()
    try run("mount", "-t", "tmpfs", "-o", "size=3m,mode=2750", "none", quota.data)
    defer { _ = try? Program.run("umount", ["-l", quota.data]) }
    try quota.admin("add", "alice", "--quota", "1MB")
    try quota.admin("add", "bob")
    let server = try quota.server()
    let alice = try server.client("alice")
    let bob = try server.client("bob")
    try alice.connect()
    try bob.connect()
    try quota.sweep()
    let counted = try quota.usage()
    try breakDisk(of: quota, fault)
    try bob.upload(100_000)
    let quiet = try quota.sweep(expecting: [74, 77])
    #expect(quiet.errors.contains("quota-sweep: error: cannot "))
    #expect(try alice.ping())

    try alice.upload(1_200_000)
    for _ in 0..<2 { try quota.sweep(expecting: [74, 77]) }
    try alice.wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
    #expect(try bob.ping())
    #expect(try quota.usage() == counted)

    try mendDisk(of: quota, fault)
    try quota.sweep()
    #expect(try quota.probe.faults() == [])
    #expect(try quota.usage(of: "bob").received > 100_000)
    try server.stop()
    try quota.sweep(expecting: [69])
    #expect(try quota.usage(of: "bob") == (try quota.truth()["bob"]))
    #expect(try quota.openSessions() == 0)
  }

  private func breakDisk(of quota: QuotaHost, _ fault: Fault) throws {
    switch fault {
    case .full:
      // As much as fits.
      _ = try Program.run("dd", ["if=/dev/zero", "of=\(quota.data)/filler", "bs=4096"])
    case .readOnly: try run("mount", "-o", "remount,ro", quota.data)
    }
  }

  private func mendDisk(of quota: QuotaHost, _ fault: Fault) throws {
    switch fault {
    case .full: try FileManager.default.removeItem(atPath: quota.data + "/filler")
    case .readOnly: try run("mount", "-o", "remount,rw", quota.data)
    }
  }

  private func run(_ program: String, _ arguments: String...) throws {
    let outcome = try Program.run(program, arguments)
    guard outcome.status == 0 else {
      throw QuotaHost.Failure(description: "\(program): \(outcome.errors)")
    }
  }
}
