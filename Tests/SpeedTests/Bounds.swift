import Foundation
import TestSupport
import Testing

/// Runs a suite on release programs only; `QUOTA_PROGRAMS` says where they are. With `CI=true` their
/// absence is a failure.
extension Trait where Self == ConditionTrait {
  static var onReleasePrograms: Self {
    .enabled("needs release programs in QUOTA_PROGRAMS") {
      try Program.isStatic("quota-connect")
        || ProcessInfo.processInfo.environment["CI"] == "true"
    }
  }
}

func requireReleasePrograms() throws {
  try #require(
    try Program.isStatic("quota-connect"), "\(Program.directory) has no release programs")
}

/// Gives a figure a row in the table and expects it to stay within its bound.
func expect(
  _ what: String, _ value: Int, atMost bound: Int, at location: SourceLocation = #_sourceLocation
) {
  Figures.current.add(what, value, atMost: bound)
  #expect(value <= bound, "\(what)", sourceLocation: location)
}

func expect(
  _ what: String, ratio: Double, atMost bound: Double,
  at location: SourceLocation = #_sourceLocation
) {
  Figures.current.add(what, ratio: ratio, atMost: bound)
  #expect(ratio <= bound, "\(what)", sourceLocation: location)
}
