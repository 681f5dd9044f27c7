import Quota
import TestSupport

/// What a host is set up with: servers, users and their quotas, and the operator's settings.
struct HostTerms {
  /// When the world begins, in seconds since 1970.
  let start: Int64
  let rules: Rules
  /// Whether the door lets in whom it cannot judge.
  let letsInUnseen: Bool
  /// Seconds to add to UTC for what a clock on the wall shows.
  let offset: Int
  let users: [User]
  let servers: [ServerKind]

  struct User {
    let name: String
    /// Bytes, 0 for unlimited.
    let quota: Int64
    /// Whether the quota is one for each day.
    let isDaily: Bool
  }

  struct ServerKind {
    let allowsDuplicates: Bool
    let tellsOfRefusals: Bool
  }

  /// Names that no administrator added.
  static let strangers = ["dora", "erik"]

  init(_ chance: inout Chance) {
    // The first minutes of the run are before a midnight as a rule.
    let day = Int64.random(in: 20_000..<20_700, using: &chance)
    offset = [0, 0, 19_800, -10_800].randomElement(using: &chance) ?? 0
    let before = Int64.random(in: 0..<1500, using: &chance)
    start = day * 86_400 - Int64(offset) - before
    rules = Rules(
      count: [.total, .total, .sent, .received].randomElement(using: &chance) ?? .total,
      unknownUsers: [.allow, .allow, .allow, .reject, .ignore].randomElement(using: &chance)
        ?? .allow,
      defaultQuota: Bool.random(using: &chance) ? 0 : 150_000)
    letsInUnseen = Int.random(in: 0..<4, using: &chance) > 0
    users = ["alice", "bob", "carol"].map { name in
      User(
        name: name,
        quota: Bool.random(using: &chance) ? 0 : Int64.random(in: 1...400_000, using: &chance),
        isDaily: Int.random(in: 0..<3, using: &chance) == 0)
    }
    servers = (0..<Int.random(in: 1...3, using: &chance)).map { _ in
      ServerKind(
        allowsDuplicates: Bool.random(using: &chance),
        tellsOfRefusals: Int.random(in: 0..<4, using: &chance) > 0)
    }
  }

  /// The number of the day that a clock on the wall shows, since 1970.
  func day(_ time: Int64) -> Int64 {
    let local = time + Int64(offset)
    return (local - (local % 86_400 + 86_400) % 86_400) / 86_400
  }

  /// Whether what somebody of this name moves is counted at all.
  func isMetered(_ name: String) -> Bool {
    rules.unknownUsers == .allow || users.contains { $0.name == name }
  }

  /// The terms of somebody of this name.
  func user(_ name: String) -> User {
    users.first { $0.name == name }
      ?? User(name: name, quota: rules.defaultQuota, isDaily: false)
  }

  /// What a quota counts.
  func counted(_ bytes: Usage) -> Int64 {
    switch rules.count {
    case .total: bytes.received + bytes.sent
    case .sent: bytes.sent
    case .received: bytes.received
    }
  }
}
