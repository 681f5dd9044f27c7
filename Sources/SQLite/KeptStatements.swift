import CSQLite

/// The compiled statements that a connection keeps for their next use, one of each text: compiling
/// one takes several times what running it does.
@safe final class KeptStatements {
  private var idle: [String: OpaquePointer] = unsafe [:]

  deinit { finalizeAll() }

  /// Gives a statement with this text, if one is kept; the caller has to put it back.
  func take(_ sql: String) -> OpaquePointer? { unsafe idle.removeValue(forKey: sql) }

  /// Takes back a statement that nobody uses any more.
  func put(_ statement: OpaquePointer, _ sql: String) {
    unsafe sqlite3_reset(statement)
    unsafe sqlite3_clear_bindings(statement)
    if let other = unsafe idle.updateValue(statement, forKey: sql) {
      unsafe sqlite3_finalize(other)
    }
  }

  func finalizeAll() {
    while let kept = unsafe idle.popFirst() { unsafe sqlite3_finalize(kept.value) }
  }
}
