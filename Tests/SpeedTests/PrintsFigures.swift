import TestSupport
import Testing

/// Prints the figures of a suite's tests when all have run.
struct PrintsFigures: SuiteTrait, TestScoping {
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let figures = Figures()
    try await Figures.$current.withValue(figures) { try await function() }
    let table = figures.table
    if !table.isEmpty { print(table) }
  }
}

extension Trait where Self == PrintsFigures {
  /// Prints the figures of the suite's tests when all have run.
  static var printsFigures: Self { Self() }
}
