import Foundation
import TestSupport
import Testing

/// Two sessions that agree in everything a listing tells them apart by: server process, second of
/// connecting and virtual address, which OpenVPN's pool gives to the same name again. Anybody can
/// have them, by coming back at once.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct SameSecondTests {
  /// Makes two sessions that began in one second on one server with one address, the first of them
  /// over. On a busy machine it takes some attempts.
  ///
  /// - Returns: how many sessions there were.
  @discardableResult
  private func comeBackAtOnce(
    on server: RealServer, _ first: RealClient, _ second: RealClient
  ) throws -> Int {
    for attempt in 1...10 {
      // From the beginning of a second, so that both fit into it.
      usleep(useconds_t(1_000_000 - Int(Date().timeIntervalSince1970 * 1_000_000) % 1_000_000))
      try first.connect()
      try first.upload(60_000)
      try server.ask("kill \(first.name)")
      try second.connect()
      let ended = try #require(try server.endings.last)
      let row = try #require(try server.listing().first)
      if row.since == ended.since && row.virtualAddress == ended.virtualAddress {
        return 2 * attempt
      }
      for client in [first, second] { try client.vanish() }
      try server.ask("kill \(first.name)")
    }
    throw QuotaHost.Failure(description: "the machine is too slow for this story")
  }

  @Test(arguments: [false, true])
  func `who comes back within the second is metered all the same`(isSwept: Bool) throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice")
    let server = try quota.server()
    let first = try server.client("alice")
    let second = try server.client("alice")
    let sessions = try comeBackAtOnce(on: server, first, second)
    try second.upload(40_000)
    if isSwept { try quota.sweep() }
    try server.stop()
    #expect(try server.finished.count == sessions)
    try quota.expectExactAfterSweeps()
  }

  @Test func `who comes back within the second is disconnected all the same`() throws {
    let quota = try QuotaHost()
    try quota.admin("add", "alice", "--quota", "2MB")
    let server = try quota.server()
    let first = try server.client("alice")
    let second = try server.client("alice")
    try comeBackAtOnce(on: server, first, second)
    try second.upload(2_100_000)
    try quota.sweep()
    try second.wait(for: "to be halted") { $0 == .halted("Traffic quota used up") }
  }
}
