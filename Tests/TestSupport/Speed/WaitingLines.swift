import Foundation
import Gate
import System

extension HookSession {
  /// The line of the journal that a hook of server `s0` writes of it.
  fileprivate func record(_ kind: JournalRecord.Kind, mark: UInt64) -> JournalRecord {
    func value(_ name: String) -> [UInt8] { Array((connecting[name] ?? "").utf8) }
    func number(_ name: String) -> Int64 { Int64(connecting[name] ?? "") ?? 0 }
    let isEnd = kind == .end
    return JournalRecord(
      kind: kind, mark: mark, boot: Boot.current(), serverStart: number("daemon_start_time"),
      server: Array("s0".utf8), pid: number("daemon_pid"), connectedSince: number("time_unix"),
      realtime: Clock.realtime, boottime: Clock.boottime, ipv4: value("ifconfig_pool_remote_ip"),
      device: value("dev"), clientHost: value("untrusted_ip"), clientPort: value("untrusted_port"),
      commonName: Array(name.utf8), owner: Array(name.utf8), received: isEnd ? 1000 : nil,
      sent: isEnd ? 2000 : nil, duration: isEnd ? 60 : nil)
  }

  /// The line of its connect hook, and that of its disconnect hook.
  fileprivate var lines: [UInt8] {
    let mark = UInt64(number) << 1
    return record(.in, mark: mark).encoded() + record(.end, mark: mark | 1).encoded()
  }
}

extension SpeedBench {
  /// Appends the lines of clients that came and went while no sweep ran, two for each name.
  package func appendWaitingLines(of names: [String], from number: Int = 1000) throws {
    try appendToJournal(names.enumerated().flatMap { HookSession($1, number: number + $0).lines })
  }

  /// Appends ends of sessions that nothing else tells of, all begun in one second.
  package func appendEndsOfOneSecond(of names: [String], from number: Int = 1000) throws {
    try append(.end, of: names, from: number, since: 1_795_466_205)
  }

  /// Appends the beginnings of sessions that all began in one second, then their ends.
  package func appendSessionsOfOneSecond(of names: [String], from number: Int = 1000) throws {
    try append(.in, of: names, from: number, since: 1_795_466_207)
    try append(.end, of: names, from: number, since: 1_795_466_207)
  }

  private func append(
    _ kind: JournalRecord.Kind, of names: [String], from number: Int, since second: Int64
  ) throws {
    try appendToJournal(
      names.enumerated().flatMap {
        var record = HookSession($1, number: number + $0).record(
          kind, mark: UInt64(2 * (number + $0)) + (kind == .end ? 1 : 0))
        record.connectedSince = second
        return record.encoded()
      })
  }

  func appendToJournal(_ lines: [UInt8]) throws {
    let journal = try FileHandle(forWritingTo: URL(fileURLWithPath: state + "/journal"))
    try journal.seekToEnd()
    try journal.write(contentsOf: Data(lines))
    try journal.close()
  }
}
