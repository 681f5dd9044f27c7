/// Bytes in both directions as the server sees them.
package struct Traffic: Equatable, Sendable {
  /// From the client: upload.
  package var received: Int64
  /// To the client: download.
  package var sent: Int64

  package init(received: Int64 = 0, sent: Int64 = 0) {
    self.received = received
    self.sent = sent
  }

  /// Both directions together; stops at the largest number there is.
  package var total: Int64 { saturatingSum(received, sent) }

  /// Whether no byte moved.
  package var isZero: Bool { received == 0 && sent == 0 }

  /// By how much these counters exceed others, in each direction by itself and never below 0:
  /// counters that fell, as data-channel offload lets them, give nothing back.
  package func increase(over known: Traffic) -> Traffic {
    Traffic(
      received: received > known.received ? received - known.received : 0,
      sent: sent > known.sent ? sent - known.sent : 0)
  }

  /// The larger of two counters in each direction.
  package func raised(to other: Traffic) -> Traffic {
    Traffic(received: max(received, other.received), sent: max(sent, other.sent))
  }

  package static func + (left: Traffic, right: Traffic) -> Traffic {
    Traffic(
      received: saturatingSum(left.received, right.received),
      sent: saturatingSum(left.sent, right.sent))
  }

  package static func += (left: inout Traffic, right: Traffic) { left = left + right }
}
