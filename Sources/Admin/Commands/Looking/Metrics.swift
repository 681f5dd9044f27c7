import ArgumentParser
import Ledger
import Quota
import Support
import System

struct Metrics: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write metrics in the text format of Prometheus.",
    discussion: "Example: quota-admin metrics --output /var/lib/prometheus/node-exporter/vpn.prom")

  @OptionGroup var options: CommonOptions
  @Option(
    help: ArgumentHelp(
      "Write them to this file, whole or not at all, rather than to standard output.",
      valueName: "file"), completion: .file())
  var output: String?
  @Flag(help: "Leave out what there is of each single user.")
  var totals = false

  func run() throws {
    let settings = try options.settings()
    let isForTerminal = output == nil && Terminal.isOutput
    try OutputFile(output ?? "-").write(bytesWith: settings) {
      let ledger = try Administration(settings).ledger
      let reading = try MetricsReading(ledger, settings, now: Clock.now)
      return reading.text(withUsers: !totals, isForTerminal: isForTerminal)
    }
  }
}

/// What the metrics are taken from, all as of one moment.
private struct MetricsReading {
  private let settings: Settings
  private let users: [UserRecord]
  private let sessions: [String: Int64]
  private let incidents: [Event]
  /// When the last sweep ended, in seconds since 1970; nil where none did.
  private let lastSweep: Int64?

  /// How far back a refusal is recent, in seconds.
  private static let recent: Int64 = 86_400

  /// Asks the ledger.
  ///
  /// - Parameter now: seconds since 1970 in UTC.
  init(_ ledger: Ledger, _ settings: Settings, now: Int64) throws {
    self.settings = settings
    (users, sessions, incidents, lastSweep) = try ledger.snapshot {
      var users: [UserRecord] = []
      try ledger.users.forEach(at: now) { users.append($0) }
      return (
        users, try ledger.sessions.openByServer(),
        try ledger.events.incidents(in: now - MetricsReading.recent..<Int64.max),
        try ledger.lastSweep()
      )
    }
  }

  /// The metrics as text.
  ///
  /// - Parameter withUsers: whether each user has metrics, too.
  func text(withUsers: Bool, isForTerminal: Bool) -> [UInt8] {
    var text = Exposition(prefix: "openvpn_quota_", isForTerminal: isForTerminal)
    writeTotals(to: &text)
    writeState(to: &text)
    if withUsers { writeUsers(to: &text) }
    return text.bytes
  }

  private func writeTotals(to text: inout Exposition) {
    text.metric("build_info", .gauge, "Always 1; the version is a label.")
    text.sample([("version", System.version)], 1)

    text.metric("users", .gauge, "Users by whether they would be let in, and why not.")
    var states = [
      "active": Int64(0), "slowed": 0, Reason.quota.rawValue: 0, Reason.disabled.rawValue: 0,
    ]
    for user in users {
      let admitted = user.isSlowed(by: settings.rules) ? "slowed" : "active"
      states[state(of: user) ?? admitted, default: 0] += 1
    }
    for (state, count) in sorted(states) { text.sample([("state", state)], count) }

    text.metric("sessions", .gauge, "Sessions live at the last sweep.")
    for (server, count) in sorted(sessions) { text.sample([("server", server)], count) }

    for (name, help, isKill) in [
      ("recent_refusals", "Clients refused within the last 24 hours.", false),
      ("recent_disconnections", "Sessions disconnected within the last 24 hours.", true),
    ] {
      text.metric(name, .gauge, help)
      var counts = Dictionary(uniqueKeysWithValues: Reason.allCases.map { ($0.rawValue, Int64(0)) })
      for incident in incidents where incident.isKill == isKill {
        counts[incident.detail, default: 0] += incident.count
      }
      for (reason, count) in sorted(counts) { text.sample([("reason", reason)], count) }
    }
  }

  /// How the programs themselves are.
  private func writeState(to text: inout Exposition) {
    let database = settings.database
    if let lastSweep {
      text.metric("last_sweep_timestamp_seconds", .gauge, "When the last sweep ended.")
      text.sample([], lastSweep)
    }
    text.metric("database_bytes", .gauge, "Size of the database.")
    text.sample([], size(ofFile: database) ?? 0)
    text.metric("database_log_bytes", .gauge, "Size of the database's write-ahead log.")
    text.sample([], size(ofFile: database + "-wal") ?? 0)
    text.metric("journal_bytes", .gauge, "Size of the journal that the hooks write.")
    text.sample([], size(ofFile: directory(of: database) + "/journal") ?? 0)
  }

  private func writeUsers(to text: inout Exposition) {
    let labelled = users.map { (user: $0, labels: MetricsReading.labels(of: $0.name)) }
    text.metric(
      "user_quota_bytes", .gauge, "What a user who has a quota may use in the current period.")
    for (user, labels) in labelled where user.entitlement.limit > 0 {
      text.sample(labels, user.entitlement.limit)
    }
    text.metric("user_used_bytes", .gauge, "What was used of the quota in the current period.")
    for (user, labels) in labelled { text.sample(labels, user.used(by: settings.rules)) }
    let elsewhere = labelled.filter { !$0.user.entitlement.elsewhere.isZero }
    if !elsewhere.isEmpty {
      text.metric("user_elsewhere_bytes", .gauge, "What of that was used on other hosts.")
      for (user, labels) in elsewhere {
        text.sample(labels, settings.rules.count.bytes(of: user.entitlement.elsewhere))
      }
    }
    text.metric(
      "user_received_bytes_total", .counter, "Received from a user in the current period.")
    for (user, labels) in labelled { text.sample(labels, user.entitlement.used.received) }
    text.metric("user_sent_bytes_total", .counter, "Sent to a user in the current period.")
    for (user, labels) in labelled { text.sample(labels, user.entitlement.used.sent) }
    text.metric("user_sessions", .gauge, "Sessions of a user live at the last sweep.")
    for (user, labels) in labelled { text.sample(labels, Int64(user.openSessions)) }
    text.metric("user_admitted", .gauge, "Whether a user would be let in now.")
    for (user, labels) in labelled { text.sample(labels, state(of: user) == nil ? 1 : 0) }
    let held = labelled.compactMap { user, labels in
      user.presentRate(by: settings.rules).map { (rate: $0, labels: labels) }
    }
    for (name, help, bits) in [
      ("user_download_bits_per_second", "How fast a user who has a rate may download.", \Rate.down),
      ("user_upload_bits_per_second", "How fast a user who has a rate may upload.", \Rate.up),
    ] {
      text.metric(name, .gauge, help)
      for (rate, labels) in held { text.sample(labels, rate[keyPath: bits]) }
    }
  }

  /// Why a user would be refused; nil if they would be let in.
  private func state(of user: UserRecord) -> String? {
    guard case .refused(let reason) = decide(user.entitlement, at: user.at, by: settings.rules)
    else {
      return nil
    }
    return reason.rawValue
  }

  /// Two users never have the same labels, or no metric at all would be read: what is not UTF-8 and
  /// had to be repaired is told apart by its bytes.
  private static func labels(of name: UserName) -> [Exposition.Label] {
    let label = ("user", name.description)
    return name.isText ? [label] : [label, ("user_hex", hexadecimal(name.bytes))]
  }

  private func sorted(_ counts: [String: Int64]) -> [(String, Int64)] {
    counts.sorted { $0.key < $1.key }
  }
}
