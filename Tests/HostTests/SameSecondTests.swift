import Foundation
import TestSupport
import Testing

/// Two sessions that agree in everything a listing tells them apart by: server process, second of
/// connecting and virtual address, which OpenVPN's pool gives to the same name again. Anybody can
/// have them, by coming back at once.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct SameSecondTests {
  /// Two sessions that began in one second on one server with one address, the first of them over.
  private func sameSecond(
    on server: RealServer, _ first: RealClient, _ second: RealClient
  ) throws -> Bool {
    // From the beginning of a second, so that both fit into it.
    usleep(useconds_t(1_000_000 - Int(Date().timeIntervalSince1970 * 1_000_000) % 1_000_000))
    try first.connect()
    try first.upload(60_000)
    try server.ask("kill \(first.name)")
    try second.connect()
    let ended = try #require(try server.endings.last)
    let row = try #require(try server.listing().first)
    return row.since == ended.since && row.virtualAddress == ended.virtualAddress
  }

  @Test(arguments: [false, true])
  func `who comes back within the second is metered all the same`(isSwept: Bool) throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    let server = try quota.server()
    let first = try server.client("alice")
    let second = try server.client("alice")
    try #require(try sameSecond(on: server, first, second))
    try second.upload(40_000)
    if isSwept { try quota.sweep() }
    try server.stop()
    #expect(try server.finished.count == 2)
    try quota.expectExactAfterSweeps()
  }

  @Test func `who comes back within the second is disconnected all the same`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--quota", "500kB")
    let server = try quota.server()
    let first = try server.client("alice")
    let second = try server.client("alice")
    try #require(try sameSecond(on: server, first, second))
    try second.upload(600_000)
    try quota.sweep()
    try second.wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
  }
}
