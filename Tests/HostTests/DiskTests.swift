import Foundation
import TestSupport
import Testing

/// Disks that take nothing more, under real servers.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct DiskTests {
  @Test(arguments: [SmallDisk.Fault.full, .readOnly])
  func `who is over quota goes all the same, and bytes are exact when there is room again`(
    fault: SmallDisk.Fault
  ) throws {
    let quota = try QuotaHost()
    let disk = try SmallDisk(on: quota.data, "size=3m,mode=2750")
    try quota.admin("add", "alice", "--quota", "1MB")
    try quota.admin("add", "bob")
    let server = try quota.server()
    let alice = try server.client("alice")
    let bob = try server.client("bob")
    try alice.connect()
    try bob.connect()
    try quota.sweep()
    let counted = try quota.usage()
    try disk.fail(fault)
    try bob.upload(100_000)
    let quiet = try quota.sweep(expecting: [74, 77])
    #expect(quiet.errors.contains("quota-sweep: error: cannot "))
    #expect(try alice.ping())

    try alice.upload(1_200_000)
    for _ in 0..<2 { try quota.sweep(expecting: [74, 77]) }
    try alice.wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
    #expect(try bob.ping())
    #expect(try quota.usage() == counted)

    try disk.recover()
    try quota.sweep()
    #expect(try quota.probe.faults() == [])
    #expect(try quota.usage(of: "bob").received > 100_000)
    try server.stop()
    try quota.sweep(expecting: [69])
    #expect(try quota.usage(of: "bob") == (try quota.truth()["bob"]))
    #expect(try quota.openSessions() == 0)
    withExtendedLifetime(disk) {}
  }
}
