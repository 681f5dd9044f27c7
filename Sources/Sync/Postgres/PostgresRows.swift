import CPostgreSQL
import System

/// What a statement gave, freed when its owner lets go of it. The corresponding C type is `PGresult`.
@safe package struct PostgresRows: ~Copyable {
  private let handle: OpaquePointer

  init(owning handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe PQclear(handle) }

  /// How many rows there are.
  package var count: Int { Int(unsafe PQntuples(handle)) }

  /// How many rows the statement inserted, updated or deleted.
  package var changed: Int {
    guard let text = unsafe PQcmdTuples(handle) else { return 0 }
    return Int(unsafe String(cString: text)) ?? 0
  }

  /// Why it failed; nil where it did not.
  var failure: PostgresError? {
    switch unsafe PQresultStatus(handle) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK: return nil
    default:
      guard let state = errorField("C") else {
        return PostgresError(
          .disconnected, libpq: unsafe String(cString: PQresultErrorMessage(handle)))
      }
      return PostgresError(.refused, state: state, errorField("M") ?? "")
    }
  }

  /// A part of an error, by the letter that the protocol has for it.
  private borrowing func errorField(_ letter: Unicode.Scalar) -> String? {
    unsafe PQresultErrorField(handle, Int32(letter.value)).map { unsafe String(cString: $0) }
  }

  /// Whether a value is NULL.
  package borrowing func isNull(_ row: Int, _ column: Int) -> Bool {
    unsafe PQgetisnull(handle, Int32(row), Int32(column)) != 0
  }

  /// A value as text; "" for NULL.
  package borrowing func text(_ row: Int, _ column: Int) -> String {
    String(decoding: characters(row, column), as: UTF8.self)
  }

  /// A value as a number; nil for NULL, and for what is none or does not fit into 64 bits.
  package borrowing func integer(_ row: Int, _ column: Int) -> Int64? {
    isNull(row, column) ? nil : Int64(text(row, column))
  }

  /// A value that is true or false; false for NULL.
  package borrowing func truth(_ row: Int, _ column: Int) -> Bool { text(row, column) == "t" }

  /// A `bytea`; nil for NULL.
  package borrowing func bytes(_ row: Int, _ column: Int) -> [UInt8]? {
    let text = characters(row, column)
    guard !isNull(row, column), text.starts(with: "\\x".utf8) else { return nil }
    return System.bytes(ofHexadecimal: text.dropFirst(2))
  }

  private borrowing func characters(_ row: Int, _ column: Int) -> [UInt8] {
    guard let start = unsafe PQgetvalue(handle, Int32(row), Int32(column)) else { return [] }
    let count = Int(unsafe PQgetlength(handle, Int32(row), Int32(column)))
    return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
  }
}
