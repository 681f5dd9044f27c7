import Ledger
import Quota
import System

/// The tables that several hosts share, on one connection. What each of its transactions does is in the
/// other files of this folder.
package struct Centre: ~Copyable {
  let connection: PostgresConnection

  /// How long all that one program does with the centre may take.
  package static let patience = Duration.seconds(100)

  /// - Parameters:
  ///   - settings: the setting `SYNC`.
  ///   - patience: how long all that is done with it may take; a tenth of it is for each server to answer.
  package init(_ settings: String, patience: Duration) throws(PostgresError) {
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
