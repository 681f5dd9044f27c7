extension Ledger {
  /// Runs several changes as one transaction: all of them are kept, or, when one throws, none.
  package func together<Result>(
    _ body: () throws(LedgerError) -> Result
  ) throws(LedgerError) -> Result {
    try inTransaction(body)
  }
}
