import Ledger
import Quota
import System

/// What a host asks of the centre. Each of it is a transaction of its own.
package protocol CentreTables: ~Copyable {
  /// How many transactions met with another one and ran anew.
  var retries: Int { get }

  func rules() throws -> CommonRules
  func state() throws -> CentreState
  func clockAhead() throws -> Int64

  func standing(of host: PresentHost) throws -> Centre.Standing
  func token(of host: PresentHost) throws -> String?
  func hosts() throws -> [KnownHost]
  func add(_ host: PresentHost) throws
  func remove(_ host: String) throws -> Bool

  func facts(
    above version: Int64, upTo last: Int64, garbage: (String) -> Void
  ) throws -> [SharedFact]
  func offer(_ facts: [SharedFact], isJoining: Bool) throws
  func change(_ facts: [SharedFact], by host: PresentHost) throws
  func restore(_ facts: [SharedFact]) throws -> Int
  func namesakes(
    of users: [SharedFact]
  ) throws -> [(user: String, other: String, version: Int64)]
  func known(_ names: [[UInt8]]) throws -> Int

  func push(
    _ usage: [OwnUsage], _ days: [OwnDay], of host: PresentHost, isRestored: Bool
  ) throws
  func usage(of host: String) throws -> [OwnUsage]
  func users(changedSince seen: [String: Int64]) throws -> [String]
  func usage(
    of wanted: [(user: String, periodStart: Int64)], elsewhereThan host: String,
    garbage: (String) -> Void
  ) throws -> [(user: String, ElsewhereUsage)]

  func days(of host: String, on day: Day) throws -> [OwnDay]
  func nextDay(of host: String, after day: Day, orOnIt isIncluded: Bool) throws -> Day?
  func removeDays(of host: String, before oldest: Day) throws
}

/// A conversation with the centre, in PostgreSQL or wherever a test keeps one.
package typealias SomeCentre = any CentreTables & ~Copyable

/// The tables that several hosts share, on one connection. What each of its transactions does is in the
/// other files of this folder.
package struct Centre: ~Copyable, CentreTables {
  let connection: PostgresConnection

  package var retries: Int { connection.retries.count }

  /// How long all that one program does with the centre may take.
  package static let patience = Duration.seconds(100)

  /// - Parameters:
  ///   - settings: the setting `SYNC`.
  ///   - patience: how long all that is done with it may take; a tenth of it is for each server to answer.
  package init(_ settings: String, patience: Duration) throws {
    guard !settings.isEmpty else { throw SyncError.noSetting }
    connection = try PostgresConnection.open(
      settings, patience: patience / 10, deadline: Clock.monotonic + patience)
  }

  /// How many seconds the clock of this machine is ahead of the centre's; 0 where that cannot be told from
  /// the time that the answer took.
  package func clockAhead() throws(PostgresError) -> Int64 {
    let before = Clock.realtime
    let rows = try connection.run(
      "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    let after = Clock.realtime
    guard let centre = rows.integer(0, 0) else { return 0 }
    if centre < before / 1_000_000 { return (before / 1_000_000 - centre) / 1000 }
    return centre > after / 1_000_000 ? (after / 1_000_000 - centre) / 1000 : 0
  }
}
