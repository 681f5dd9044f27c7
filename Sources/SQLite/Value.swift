/// A value of a key, read from one row to be compared with others.
package enum Value: Equatable, Sendable {
  case integer(Int64)
  /// Text as its bytes, valid UTF-8 or not.
  case text([UInt8])
}

extension Statement {
  /// Binds a value.
  package mutating func bind(_ parameter: Int32, _ value: Value) {
    switch value {
    case .integer(let number): bind(parameter, number)
    case .text(let bytes): bind(parameter, bytes: bytes)
    }
  }

  /// A column that is an integer or else text.
  package borrowing func value(_ column: Int32) -> Value {
    isInteger(column) ? .integer(integer(column)) : .text(bytes(column))
  }
}
