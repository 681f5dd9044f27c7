/// Which traffic a quota counts, as the server sees it. The setting `COUNT`.
package enum Count: Int, Sendable {
  /// Both directions together.
  case total
  /// What the server sent: the user's download.
  case sent
  /// What the server received: the user's upload.
  case received

  /// The bytes that count.
  package func bytes(of traffic: Traffic) -> Int64 {
    switch self {
    case .total: traffic.total
    case .sent: traffic.sent
    case .received: traffic.received
    }
  }
}
