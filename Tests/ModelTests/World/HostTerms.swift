import Quota
import TestSupport

/// What a host is set up with: servers, users and their quotas, and the operator's settings.
struct HostTerms {
  /// When the world begins, in seconds since 1970.
  let start: Int64
  let rules: Rules
  /// Whether clients without a name come in.
  let letsInNameless: Bool
  /// Whether the connect hook lets in a client that it cannot judge.
  let letsInUnseen: Bool
  /// Seconds to add to UTC for what a clock on the wall shows.
  let offset: Int
  private(set) var users: [User]
  let servers: [ServerKind]
  /// Whether somebody sets the clock now and then. Else users are renamed instead: by a clock that
  /// was set nobody can tell who had a name when.
  let setsClock: Bool

  struct User {
    let name: String
    /// Bytes, 0 for unlimited.
    let quota: Int64
    /// Whether the quota is one for each day.
    let isDaily: Bool
    /// Sessions at once, 0 for any number.
    let maxSessions: Int
    /// Whether a used-up quota slows the user down in place of cutting.
    var isSlowed = false
  }

  struct ServerKind {
    let release: Release
    let allowsDuplicates: Bool
    let pool: Pool
    /// Whether it is process 1 of a container whenever it runs.
    let isInContainer: Bool
    /// Whether a script behind our hooks lets in and refuses, too.
    let hasScript: Bool
  }

  /// The releases that differ in what they tell.
  enum Release: CaseIterable {
    /// Runs no hook after a refusal, and lists IPv6 clients without a port.
    case v25
    case v26
    /// Lists all ports, and listens on two sockets.
    case v27
  }

  /// The addresses that clients get.
  enum Pool: CaseIterable {
    case ipv4, both
    /// A bridge without a pool.
    case none
  }

  /// What a used-up quota slows users down to.
  static let rate = Rate(shared: 1_000_000)

  /// Names that no administrator added.
  static let strangers = ["dora", "erik"]

  /// What the ledger calls those whose client shows a name.
  func user(named name: String) -> String {
    String(decoding: rules.names.key(of: Array(name.utf8)), as: UTF8.self)
  }

  /// A way to write a name that makes no other user.
  func spelling(of name: String, _ chance: inout SeededRandom) -> String {
    if name == user(named: "") { return "" }
    if rules.names == .exact || Bool.random(using: &chance) { return name }
    let letters = name.map { Bool.random(using: &chance) ? $0.uppercased() : String($0) }.joined()
    return [letters, letters, " " + letters, letters + "  "].randomElement(using: &chance) ?? name
  }

  init(_ chance: inout SeededRandom) {
    // The first minutes of the run are before a midnight as a rule.
    let day = Int64.random(in: 20_000..<20_700, using: &chance)
    offset = [0, 0, 19_800, -10_800].randomElement(using: &chance) ?? 0
    let before = Int64.random(in: 0..<1500, using: &chance)
    start = day * 86_400 - Int64(offset) - before
    var rules = Rules(
      count: [.total, .total, .sent, .received].randomElement(using: &chance) ?? .total,
      unknownUsers: [.allow, .allow, .allow, .reject, .ignore].randomElement(using: &chance)
        ?? .allow,
      defaultQuota: Bool.random(using: &chance) ? 0 : 150_000)
    letsInUnseen = Int.random(in: 0..<4, using: &chance) > 0
    setsClock = Bool.random(using: &chance)
    users = ["alice", "bob", "carol"].map { name in
      User(
        name: name,
        quota: Bool.random(using: &chance) ? 0 : Int64.random(in: 1...400_000, using: &chance),
        isDaily: Int.random(in: 0..<3, using: &chance) == 0,
        maxSessions: [0, 0, 0, 1, 2].randomElement(using: &chance) ?? 0)
    }
    servers = (0..<Int.random(in: 1...3, using: &chance)).map { _ in
      ServerKind(
        release: Release.allCases.randomElement(using: &chance) ?? .v26,
        allowsDuplicates: Bool.random(using: &chance),
        pool: [.ipv4, .ipv4, .both, .none].randomElement(using: &chance) ?? .ipv4,
        isInContainer: Int.random(in: 0..<4, using: &chance) == 0,
        hasScript: Int.random(in: 0..<3, using: &chance) == 0)
    }
    rules.names = Int.random(in: 0..<3, using: &chance) == 0 ? .fold : .exact
    letsInNameless = Int.random(in: 0..<3, using: &chance) == 0
    rules.fence = Bool.random(using: &chance)
    if rules.fence {
      for index in users.indices where users[index].quota > 0 {
        users[index].isSlowed = Bool.random(using: &chance)
      }
    }
    self.rules = rules
  }

  /// The number of the day that a clock on the wall shows, since 1970.
  func day(_ time: Int64) -> Int64 {
    let local = time + Int64(offset)
    return (local - (local % 86_400 + 86_400) % 86_400) / 86_400
  }

  /// What a quota counts.
  func counted(_ bytes: Usage) -> Int64 { rules.count.bytes(of: Traffic(bytes)) }

  /// The name of a zone with this offset all year round.
  var zoneName: String {
    switch offset {
    case 19_800: "Asia/Kolkata"
    case -10_800: "Etc/GMT+3"
    default: "UTC"
    }
  }

  var zone: Zone {
    let offset = offset
    return Zone { _ in offset }
  }
}

extension Traffic {
  init(_ usage: Usage) { self.init(received: usage.received, sent: usage.sent) }
}
