import SQLite

extension Ledger {
  /// Runs several changes as one transaction: all of them are kept, or, when one throws, none.
  package func together<Result>(
    _ body: () throws(LedgerError) -> Result
  ) throws(LedgerError) -> Result {
    if database.isInTransaction { return try body() }
    do { try database.execute("BEGIN IMMEDIATE") } catch { throw .database(error) }
    do throws(LedgerError) {
      let result = try body()
      do { try database.execute("COMMIT") } catch { throw .database(error) }
      return result
    } catch {
      // A failed commit may already have ended the transaction.
      if database.isInTransaction { try? database.execute("ROLLBACK") }
      throw error
    }
  }
}

/// Runs calls to SQLite and says as `LedgerError` why one failed.
func asLedgerError<Result: ~Copyable>(
  _ body: () throws(SQLiteError) -> Result
) throws(LedgerError) -> Result {
  do { return try body() } catch { throw .database(error) }
}
