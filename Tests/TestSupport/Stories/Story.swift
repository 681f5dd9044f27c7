import Testing

/// A test case that holds on every VPN server, and so is told on the real OpenVPN and on the
/// simulator alike.
package struct Story: Sendable, CustomTestStringConvertible {
  /// What it shows, in a sentence.
  package let testDescription: String
  /// How many servers it plays on.
  package let servers: Int
  /// Whether the servers let several clients of one name in at once (`duplicate-cn`).
  package let allowsDuplicateNames: Bool
  private let body: @Sendable (Stage) throws -> Void

  init(
    _ description: String, servers: Int = 1, allowsDuplicateNames: Bool = false,
    _ body: @escaping @Sendable (Stage) throws -> Void
  ) {
    testDescription = description
    self.servers = servers
    self.allowsDuplicateNames = allowsDuplicateNames
    self.body = body
  }

  /// Tells it on servers that are running and have the project's hooks.
  package func tell(on stage: Stage) throws { try body(stage) }

  /// Every story there is.
  package static let all = metering + quotas + restarts + administration
}
