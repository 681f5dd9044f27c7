/// Bytes in both directions, as the server sees them. Sums stop at the largest number, as the
/// ledger's do.
package struct Usage: Equatable, Hashable, Sendable, CustomStringConvertible {
  package var received: Int64
  package var sent: Int64

  package init(received: Int64 = 0, sent: Int64 = 0) {
    self.received = received
    self.sent = sent
  }

  package var isZero: Bool { received == 0 && sent == 0 }

  package var total: Int64 { Usage.sum(received, sent) }

  package var description: String { "received \(received), sent \(sent)" }

  package static func + (left: Usage, right: Usage) -> Usage {
    Usage(received: sum(left.received, right.received), sent: sum(left.sent, right.sent))
  }

  package static func += (left: inout Usage, right: Usage) { left = left + right }

  private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflows) = left.addingReportingOverflow(right)
    return overflows ? (left > 0 ? .max : .min) : sum
  }
}
