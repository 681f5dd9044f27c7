import Ledger
import OpenVPN
import Quota
import System
import TestSupport
import Testing

@testable import Support
@testable import Sweep

/// The real sweep, driven in process: servers and time are values.
@Suite struct `A sweep in process` {
  private let folder: TemporaryDirectory
  private let world = SimulatedWorld()
  private var settings = Settings()

  init() throws {
    folder = try TemporaryDirectory()
    settings.database = folder.path + "/quota.db"
    settings.management = "one=unix:/one two=unix:/two"
    settings.logFile = ""
    settings.timeZone = "UTC"
  }

  @Test func `no socket is made and nobody waits`() throws {
    let one = InMemoryServer { [world] line in SweepTests.answer(line, at: world.now, bytes: 1000) }
    world.servers["unix:/one"] = one
    world.servers["unix:/two"] = InMemoryServer { _ in "" }
    let started = Clock.monotonic
    let summary = try sweep()
    #expect(Clock.monotonic - started < .seconds(5))
    #expect(summary.servers.map(\.state) == [.swept, .failed])
    #expect(summary.servers[1].errors == ["the whole listing did not come in time"])
    #expect(summary.bytesAdded == 2000)
    // The silent server had its time: three tries of `MANAGEMENT_TIMEOUT` each.
    #expect(world.monotonic > .seconds(settings.managementTimeout))
    #expect(one.commands == ["status 3", "pid"])
  }

  @Test func `a listing of more than 32 MiB is refused, and the other servers go on`() throws {
    let row =
      "CLIENT_LIST\t" + String(repeating: "x", count: 60_000) + "\t1.2.3.4:5\t10.8.0.2\t1\t1\t5\r\n"
    let rows = String(repeating: row, count: (33 << 20) / row.utf8.count)
    let header =
      "HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tBytes Received\tBytes Sent\t"
      + "Connected Since (time_t)\r\n"
    world.servers["unix:/one"] = InMemoryServer { _ in "TITLE\tx\r\n" + header + rows }
    world.servers["unix:/two"] = InMemoryServer { [world] line in
      SweepTests.answer(line, at: world.now, bytes: 1000)
    }
    let summary = try sweep()
    #expect(summary.servers.map(\.state) == [.failed, .swept])
    #expect(summary.servers[0].errors == ["its listing is longer than 32 MiB"])
    #expect(summary.bytesAdded == 2000)
  }

  @Test func `the journal is measured just before status is sent`() throws {
    var trace: [String] = []
    world.servers["unix:/one"] = InMemoryServer { [world] line in
      trace.append(line)
      return SweepTests.answer(line, at: world.now, bytes: 1000)
    }
    var environment = world.environment
    environment.journalPosition = {
      trace.append("journal")
      return 4711
    }
    let connection = ManagementConnection(
      ManagementEndpoint(name: "one", address: .unix("/one")), timeout: .seconds(5), environment)
    var buffer = [UInt8](repeating: 0, count: 4096)
    while connection.listing == nil, !connection.isOver {
      environment.advance([connection], until: .seconds(60), buffer: &buffer)
    }
    #expect(trace == ["journal", "status 3", "pid"])
    #expect(connection.listing?.plain == nil)
    #expect(connection.listing?.whole.journalPosition == 4711)
  }

  private func sweep() throws -> Summary {
    let silent = Log(
      diagnostics: DiagnosticPrinter(
        program: "test", errors: StandardError(descriptor: -1, reader: .other)),
      path: "", level: .error)
    var sweep = try Sweep(settings, log: silent, environment: world.environment)
    return try sweep.run()
  }
}

private enum SweepTests {
  /// What a server with one client answers.
  static func answer(_ line: String, at time: Int64, bytes: Int64) -> String {
    switch line {
    case "status 3":
      """
      TITLE\tOpenVPN 2.6.14\r
      TIME\t2026-11-23 20:36:45\t\(time)\r
      HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tVirtual IPv6 Address\t\
      Bytes Received\tBytes Sent\tConnected Since\tConnected Since (time_t)\tUsername\tClient ID\t\
      Peer ID\tData Channel Cipher\r
      CLIENT_LIST\talice\t192.0.2.1:1194\t10.8.0.2\t\t\(bytes)\t\(bytes)\t\
      2026-11-23 20:36:45\t\(time - 5)\tUNDEF\t0\t0\tAES-256-GCM\r
      END\r\n
      """
    case "pid": "SUCCESS: pid=4242\r\n"
    default: "SUCCESS: client-kill command succeeded\r\n"
    }
  }
}
