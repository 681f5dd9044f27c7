/// The operator's settings that the rules go by.
package struct Rules: Equatable, Sendable {
  /// What a quota counts.
  package var count: Count
  /// What is done about a user the ledger does not know.
  package var unknownUsers: UnknownUsers
  /// Which of a client's names is its user's.
  package var identifyBy: IdentifyBy
  /// Which spellings of a name are one user.
  package var names: Names
  /// The quota of a user created on first sight, in bytes, 0 for unlimited.
  package var defaultQuota: Int64
  /// Percentages of a quota that give notice.
  package var notifyAt: [Int]
  /// Days before an expiry that give notice, 0 for never.
  package var notifyDaysLeft: Int64
  /// Seconds between two sweeps.
  package var interval: Int64
  /// Whether something holds users to their rates; where nothing does, there are none.
  package var fence: Bool

  package init(
    count: Count = .total, unknownUsers: UnknownUsers = .allow, identifyBy: IdentifyBy = .auto,
    names: Names = .exact, defaultQuota: Int64 = 0, notifyAt: [Int] = [], notifyDaysLeft: Int64 = 0,
    interval: Int64 = 45, fence: Bool = false
  ) {
    self.count = count
    self.unknownUsers = unknownUsers
    self.identifyBy = identifyBy
    self.names = names
    self.defaultQuota = defaultQuota
    self.notifyAt = notifyAt
    self.notifyDaysLeft = notifyDaysLeft
    self.interval = interval
    self.fence = fence
  }

  /// Seconds without news after which nothing is taken for as it was: three sweeps that are missing.
  package var patience: Int64 { 3 * interval }
}

/// What is done about a user the ledger does not know: the setting `UNKNOWN_USERS`.
package enum UnknownUsers: Int, SettingChoice, Sendable {
  /// In, and created with the default quota as soon as something is counted.
  case allow
  /// Out.
  case reject
  /// In, and not metered.
  case ignore

  package static var words: StaticString { "allow reject ignore" }
}

/// What `quota-connect` answers when it cannot tell. The setting `ON_ERROR`.
package enum OnError: Int, SettingChoice, Sendable {
  /// The client comes in.
  case allow
  /// The client stays out.
  case reject

  package static var words: StaticString { "allow reject" }
}

/// Which traffic a quota counts, as the server sees it. The setting `COUNT`.
package enum Count: Int, SettingChoice, Sendable {
  /// Both directions together.
  case total
  /// What the server sent: the user's download.
  case sent
  /// What the server received: the user's upload.
  case received

  package static var words: StaticString { "total sent received" }

  /// The bytes that count.
  package func bytes(of traffic: Traffic) -> Int64 {
    switch self {
    case .total: traffic.total
    case .sent: traffic.sent
    case .received: traffic.received
    }
  }
}
