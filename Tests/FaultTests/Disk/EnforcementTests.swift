@testable import Support
import Ledger
import Quota
import Sweep
import System
import TestSupport
import Testing

/// A user who is over their quota is disconnected whatever becomes of the ledger.
@Suite struct EnforcementTests {
  private let disk: FaultyDisk
  private let server: SimulatedServer
  private let settings: Settings

  init() throws {
    disk = try FaultyDisk()
    // Who is told to go stays in the listing until the disk is well again.
    var setup = SimulatedServer.Setup()
    setup.linger = 600_000
    server = try SimulatedServer(setup)
    var settings = PoweredHost.settings(folder: disk.path, server)
    settings.defaultQuota = 10_000
    settings.killMessage = Array("HALT,over".utf8)
    self.settings = settings
  }

  @Test(arguments: FaultyDisk.WriteFault.allCases)
  func `Violators go while the disk takes no write, and the ledger is exact when it does again`(
    fault: FaultyDisk.WriteFault
  ) throws {
    try PoweredHost.sweep(settings)
    let bob = try enter("bob")
    var violators = [try enter("alice"), try enter("carol")]
    try PoweredHost.sweep(settings)

    disk.fail(fault, atWrite: 1)
    // The third is one whom the ledger has never seen.
    violators.append(try enter("dave"))
    for violator in violators {
      try violator.download(20_000)
      try bob.download(1000)
      let summary = try PoweredHost.sweep(settings)
      let failure = try #require(summary.bookkeepingFailure)
      #expect(failure.exitStatus == (fault == .readOnly ? .permission : .inputOutput))
      #expect(failure.message.contains(settings.database))
      #expect(summary.exitStatus == failure.exitStatus)
      #expect(summary.everyServerDone)
      #expect(summary.kills.contains { "\($0.user)" == violator.name && $0.reason == .quota })
      #expect(try violator.fate.message == "HALT,over")
      #expect(bob.isConnected)
    }

    disk.recover()
    #expect(try LedgerProbe(settings.database).used("alice").sent == 0)
    for violator in violators { try violator.download(500) }
    let summary = try PoweredHost.sweep(settings)
    #expect(summary.bookkeepingFailure == nil)
    for violator in violators { try violator.drop() }
    try PoweredHost.sweep(settings)
    let probe = LedgerProbe(settings.database)
    #expect(try probe.bytesUsed == ["alice": 20_500, "bob": 3000, "carol": 20_500, "dave": 20_500])
    #expect(try probe.faults() == [])
    #expect(try probe.openSessions.map(\.user) == ["bob"])
  }

  @Test func `Wherever in a sweep the disk fills up, each violator is told to go once`() throws {
    try PoweredHost.sweep(settings)
    let alice = try enter("alice")
    try PoweredHost.sweep(settings)
    let probe = LedgerProbe(settings.database)
    var failedAfterCounting = 0
    for write in 1... {
      try alice.download(20_000)
      let counted = try probe.used("alice").sent
      let kills = try server.commands.count { $0.hasPrefix("client-kill") }
      disk.recover()
      disk.fill(atWrite: write)
      let summary = try PoweredHost.sweep(settings)
      disk.recover()
      #expect(summary.kills.count == 1)
      #expect(try server.commands.count { $0.hasPrefix("client-kill") } == kills + 1)
      // Once a kill is noted, the next one would come too early.
      if try !probe.events("killed").isEmpty { break }
      #expect(summary.bookkeepingFailure != nil)
      if try probe.used("alice").sent > counted { failedAfterCounting += 1 }
    }
    #expect(failedAfterCounting > 0, "the commit that notes the kill has failed, too")
    #expect(try probe.faults() == [])
  }

  @Test func `A ledger that cannot be read disconnects nobody`() throws {
    try PoweredHost.sweep(settings)
    let alice = try enter("alice")
    try PoweredHost.sweep(settings)
    try alice.download(20_000)
    disk.die(atCall: 1)
    #expect(throws: LedgerError.self) { try PoweredHost.sweep(settings) }
    #expect(alice.isConnected)
  }

  private func enter(_ name: String) throws -> SimulatedClient {
    let client = try server.enter(name, since: Clock.now - 60)
    try client.setCounters(received: 0, sent: 0)
    return client
  }
}
