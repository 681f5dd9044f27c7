import Ledger
import Quota
import Support

extension UserFile {
  /// Users as CSV; every byte of a name is kept.
  static func csv(_ users: [UserRecord], isForTerminal: Bool) -> [UInt8] {
    Listing("users", users, [.bytes(key: "name") { $0.name.bytes }] + columns)
      .csv(isForTerminal: isForTerminal)
  }

  /// Plans and users as JSON, one a line.
  static func json(_ users: [UserRecord], plans: [Plan]) -> [UInt8] {
    JSONWriter.document { json in
      json.list(
        "plans", plans, [.text(key: "name") { $0.name }, .part(Terms.columns) { $0.terms }])
      json.list("users", users, [.user { $0.name }] + columns)
    }
  }

  private static var columns: [Column<UserRecord>] {
    [
      .flag(key: "enabled") { $0.entitlement.isEnabled },
      .text(key: "plan") { $0.plan?.name },
      .part(Terms.columns) { $0.exportedTerms },
    ]
  }
}

extension Terms {
  /// What holds for a user, or what a plan says, as quota-admin(8) documents the fields; nothing
  /// where the plan, or the default, holds.
  static var columns: [Column<Terms>] {
    [
      .size(key: "quota_bytes") { $0.quota },
      .text(key: "period") { $0.period.map { $0.text ?? "none" } },
      .text(key: "expires_at") { terms in
        switch terms.lifetime {
        case .unlimited: "never"
        case .until(let time): isoTime(time)
        case .lasting, nil: nil
        }
      },
      .number(key: "expires_after_seconds") { $0.lifetime?.lasting?.seconds },
      .flag(key: "from_first_connection") { $0.lifetime?.lasting?.isFromFirst },
      .number(key: "max_sessions") { $0.maxSessions },
      .size(key: "grace_bytes") { $0.grace?.bytes },
      .number(key: "grace_percent") { $0.grace?.percent },
      .flag(key: "exempt") { $0.isExempt },
      .text(key: "rate") { $0.rate?.words(for: "none") },
      .text(key: "then_rate") { $0.thenRate?.words(for: "cut") },
    ]
  }
}

extension Lifetime {
  fileprivate var lasting: (seconds: Int64, isFromFirst: Bool)? {
    guard case .lasting(let seconds, let beginning) = self else { return nil }
    return (seconds, beginning == .firstConnection)
  }
}
