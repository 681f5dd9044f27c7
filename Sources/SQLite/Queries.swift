/// A value that a parameter of a statement can have.
package protocol Bindable {
  func bind(to statement: inout Statement, _ parameter: Int32)
}

extension Int64: Bindable {
  package func bind(to statement: inout Statement, _ parameter: Int32) {
    statement.bind(parameter, self)
  }
}

extension Bool: Bindable {
  package func bind(to statement: inout Statement, _ parameter: Int32) {
    statement.bind(parameter, self ? 1 : 0 as Int64)
  }
}

extension String: Bindable {
  package func bind(to statement: inout Statement, _ parameter: Int32) {
    statement.bind(parameter, self)
  }
}

/// Bytes that are bound as a BLOB; none as NULL.
package struct Blob: Bindable {
  private let bytes: [UInt8]

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package func bind(to statement: inout Statement, _ parameter: Int32) {
    statement.bind(parameter, blob: bytes)
  }
}

extension Optional: Bindable where Wrapped: Bindable {
  package func bind(to statement: inout Statement, _ parameter: Int32) {
    if let self { self.bind(to: &statement, parameter) } else { statement.bindNull(parameter) }
  }
}

extension Statement {
  /// Binds values to the parameters from `?1` on.
  package mutating func bind(_ values: [any Bindable]) {
    for (index, value) in values.enumerated() { value.bind(to: &self, Int32(index + 1)) }
  }

  /// Runs a statement with these values to its end.
  package mutating func run(_ values: any Bindable...) throws(SQLiteError) {
    bind(values)
    try run()
  }

  /// Reads the first row that there is with these values, and lets go of the others.
  package mutating func first<Result: ~Copyable>(
    _ values: any Bindable..., read: (borrowing Statement) throws(SQLiteError) -> Result
  ) throws(SQLiteError) -> Result? {
    bind(values)
    guard try step() else { return nil }
    let result = try read(self)
    reset()
    return result
  }
}

// One statement each; `?1` is the first of the values.
extension Connection {
  /// Runs a statement that gives no rows, or whose rows nobody wants.
  ///
  /// - Returns: how many rows it changed.
  @discardableResult
  package func run(_ sql: String, _ values: any Bindable...) throws(SQLiteError) -> Int {
    var statement = try prepare(sql)
    statement.bind(values)
    try statement.run()
    return changes
  }

  /// Reads all rows of a statement.
  ///
  /// - Returns: what was made of each.
  @discardableResult
  package func query<Result>(
    _ sql: String, _ values: any Bindable...,
    read: (borrowing Statement) throws(SQLiteError) -> Result
  ) throws(SQLiteError) -> [Result] {
    var statement = try prepare(sql)
    statement.bind(values)
    var results: [Result] = []
    while try statement.step() { results.append(try read(statement)) }
    return results
  }

  /// Reads the first row of a statement.
  ///
  /// - Returns: what was made of it; nil where there is none.
  package func first<Result>(
    _ sql: String, _ values: any Bindable...,
    read: (borrowing Statement) throws(SQLiteError) -> Result
  ) throws(SQLiteError) -> Result? {
    var statement = try prepare(sql)
    statement.bind(values)
    return try statement.step() ? try read(statement) : nil
  }

  /// Whether a statement gives any row.
  package func exists(_ sql: String, _ values: any Bindable...) throws(SQLiteError) -> Bool {
    var statement = try prepare(sql)
    statement.bind(values)
    return try statement.step()
  }
}
