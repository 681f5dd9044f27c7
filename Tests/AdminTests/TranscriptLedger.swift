import TestSupport

/// The ledger that the transcripts are taken from: as sweeps, hooks and an administrator would have
/// left it, with round numbers.
enum TranscriptLedger {
  static func fill(_ ledger: LedgerProbe) throws {
    for (name, status, created, quota) in users {
      try ledger.addUser(name, status: status, createdAt: created, quota: quota)
    }
    for (name, received, sent) in usage {
      try ledger.addUsage(Usage(received: received, sent: sent), of: name)
    }
    for (name, day, received, sent) in days {
      try ledger.addHistory(Usage(received: received, sent: sent), of: name, on: day)
    }
    for (name, hour, received, sent) in hours {
      try ledger.addHistory(Usage(received: received, sent: sent), of: name, inHour: hour)
    }
    for session in sessions { try ledger.add(session) }
    for event in events { try ledger.add(event) }
  }

  private static let users: [(String, String, String, Int64)] = [
    ("alice", "active", "2026-09-01 08:00:00", 10_000_000_000),
    ("bob", "active", "2026-09-01 08:05:00", 0),
    ("علی", "active", "2026-10-12 17:30:00", 1_000_000_000),
    ("王小明", "disabled", "2026-10-20 09:15:00", 5_000_000_000),
    ("eve, \"the\" <b>", "active", "2026-11-20 22:00:00", 1_000_000),
  ]

  private static let usage: [(String, Int64, Int64)] = [
    ("alice", 1_000_000_000, 8_000_000_000), ("bob", 1_000_000_000, 2_000_000_000),
    ("علی", 500_000_000, 1_000_000_000), ("eve, \"the\" <b>", 500, 500),
  ]

  /// The first is the day of what came from the earlier project.
  private static let days: [(String, String, Int64, Int64)] = [
    ("alice", "0001-01-01", 0, 1_000_000_000),
    ("alice", "2026-10-30", 250_000_000, 2_000_000_000),
    ("alice", "2026-11-02", 250_000_000, 1_000_000_000),
    ("alice", "2026-11-20", 250_000_000, 2_000_000_000),
    ("bob", "2026-11-19", 500_000_000, 1_000_000_000),
    ("علی", "2026-11-21", 500_000_000, 1_000_000_000),
    ("eve, \"the\" <b>", "2026-11-22", 500, 500),
  ]

  /// What there is of the last day but one is kept by hours.
  private static let hours: [(String, Int64, Int64, Int64)] = [
    ("alice", 1_795_377_600, 125_000_000, 1_000_000_000),
    ("alice", 1_795_384_800, 125_000_000, 1_000_000_000),
    ("bob", 1_795_377_600, 500_000_000, 1_000_000_000),
  ]

  private static let sessions = [
    LedgerProbe.Session(
      user: "bob", server: "home", pid: 700, connectedSince: 1_795_118_400, address: "10.8.0.2",
      realAddress: "198.51.100.4:1194",
      usage: Usage(received: 500_000_000, sent: 1_000_000_000), endedAt: 1_795_125_600,
      endedBy: "hook"),
    LedgerProbe.Session(
      user: "alice", server: "home", pid: 700, connectedSince: 1_795_204_800, address: "10.8.0.3",
      realAddress: "192.0.2.7:40312", usage: Usage(received: 250_000_000, sent: 2_000_000_000),
      endedAt: 1_795_208_460, endedBy: "hook"),
    LedgerProbe.Session(
      user: "علی", server: "office", pid: 701, connectedSince: 1_795_291_200, address: "10.9.0.2",
      realAddress: "203.0.113.20:51820",
      usage: Usage(received: 500_000_000, sent: 1_000_000_000), endedAt: 1_795_377_661,
      endedBy: "listing"),
    LedgerProbe.Session(
      user: "alice", server: "home", pid: 700, connectedSince: 1_795_377_600, address: "10.8.0.2",
      realAddress: "192.0.2.7:40313", usage: Usage(received: 250_000_000, sent: 2_000_000_000),
      endedAt: 1_795_377_630, endedBy: "hook"),
    LedgerProbe.Session(
      user: "bob", server: nil, pid: 700, connectedSince: 1_795_377_600, address: "10.8.0.3",
      usage: Usage(received: 500_000_000, sent: 1_000_000_000), endedAt: 1_795_384_800,
      endedBy: "hook"),
  ]

  private static let events = [
    LedgerProbe.Event(
      at: 1_793_520_000, user: "alice", kind: "created",
      detail: "by an administrator, quota unlimited"),
    LedgerProbe.Event(
      at: 1_793_606_400, user: "alice", kind: "quota",
      detail: "from unlimited to 10000000000 bytes"),
    LedgerProbe.Event(at: 1_795_377_661, user: "علی", kind: "killed", detail: "quota"),
    LedgerProbe.Event(
      at: 1_795_377_720, user: "علی", kind: "refused", detail: "quota", count: 311,
      lastAt: 1_795_381_200),
    LedgerProbe.Event(at: 1_795_380_000, user: "mallory", kind: "refused", detail: "unknown"),
    LedgerProbe.Event(
      at: 1_795_384_801, user: "王小明", kind: "disabled", detail: "by an administrator"),
  ]
}
