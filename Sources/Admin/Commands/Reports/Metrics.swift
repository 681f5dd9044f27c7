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
  @OptionGroup var hosts: HostsOption

  func run() throws {
    let settings = try options.settings()
    let isForTerminal = output == nil && Terminal.isOutput
    try OutputFile(output ?? "-").write(bytesWith: settings) {
      let administration = try Administration(settings, config: options.path)
      let answers = try hosts.allHosts ? AllHosts(administration).present() : nil
      let reading = try MetricsReading(
        administration.ledger, settings, ofAllHosts: answers, now: Clock.now)
      return reading.text(withUsers: !totals, isForTerminal: isForTerminal)
    }
  }
}

/// What the metrics are taken from, all as of one moment.
private struct MetricsReading {
  private let settings: Settings
  /// Those of the ledger know how the fence and the other hosts are.
  private let rules: Rules
  private let users: [UserRecord]
  private let sessions: [String: Int64]
  private let incidents: [Event]
  /// When the last sweep ended, in seconds since 1970; nil where none did.
  private let lastSweep: Int64?
  /// How this host tells others; nil where there are none.
  private let sync: SyncState?
  private let now: Int64
  /// Of all hosts, when they were last heard, and what each user has on each in the present period, by the
  /// user's number; nil where the metrics are about this host.
  private let heard: [(host: String, time: Int64)]?
  private let elsewhere: [Int64: [UsageAnswer]]

  /// How far back a refusal is recent, in seconds.
  private static let recent: Int64 = 86_400

  /// Asks the ledger.
  ///
  /// - Parameters:
  ///   - answers: what the centre knows; nil where the metrics are about this host.
  ///   - now: seconds since 1970 in UTC.
  init(
    _ ledger: Ledger, _ settings: Settings, ofAllHosts answers: [UsageAnswer]?, now: Int64
  ) throws {
    self.settings = settings
    rules = ledger.rules
    self.now = now
    heard = answers?.compactMap { answer in
      answer.age.map { (answer.host ?? "", now - $0) }
    }
    (users, sessions, incidents, lastSweep, sync, elsewhere) = try ledger.snapshot {
      var users: [UserRecord] = []
      try ledger.users.forEach(at: now) { users.append($0) }
      var elsewhere: [Int64: [UsageAnswer]] = [:]
      for answer in answers ?? [] {
        guard let uid = answer.user, let number = try ledger.hosts.number(of: uid) else { continue }
        elsewhere[number, default: []].append(answer)
      }
      return (
        users, try ledger.sessions.openByServer(),
        try ledger.events.incidents(in: now - MetricsReading.recent..<Int64.max),
        try ledger.lastSweep(), try ledger.hosts.state(), elsewhere
      )
    }
  }

  /// The metrics as text.
  ///
  /// - Parameter withUsers: whether each user has metrics, too.
  func text(withUsers: Bool, isForTerminal: Bool) -> [UInt8] {
    var text = Exposition(prefix: "openvpn_quota_", isForTerminal: isForTerminal)
    writeTotals(to: &text)
    if let heard {
      writeHosts(heard, to: &text)
    } else {
      writeIncidents(to: &text)
      writeState(to: &text)
    }
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
      let admitted = user.isSlowed(by: rules) ? "slowed" : "active"
      states[state(of: user) ?? admitted, default: 0] += 1
    }
    for (state, count) in sorted(states) { text.sample([("state", state)], count) }
  }

  /// What this host's servers and hooks did.
  private func writeIncidents(to text: inout Exposition) {
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

  /// What there is of each host, by what it told.
  private func writeHosts(_ heard: [(host: String, time: Int64)], to text: inout Exposition) {
    text.metric("host_last_told_timestamp_seconds", .gauge, "When a host last told of its users.")
    for (host, time) in heard { text.sample([("host", host)], time) }
    text.metric("sessions", .gauge, "Sessions live when a host last told.")
    var sessions: [String: Int64] = Dictionary(uniqueKeysWithValues: heard.map { ($0.host, 0) })
    for row in elsewhere.values.joined() {
      sessions[row.host ?? "", default: 0] += row.period?.sessions ?? 0
    }
    for (host, count) in sorted(sessions) { text.sample([("host", host)], count) }
  }

  /// How the programs themselves are.
  private func writeState(to text: inout Exposition) {
    let database = settings.database
    if let lastSweep {
      text.metric("last_sweep_timestamp_seconds", .gauge, "When the last sweep ended.")
      text.sample([], lastSweep)
    }
    if let sync { write(sync, to: &text) }
    text.metric("database_bytes", .gauge, "Size of the database.")
    text.sample([], size(ofFile: database) ?? 0)
    text.metric("database_log_bytes", .gauge, "Size of the database's write-ahead log.")
    text.sample([], size(ofFile: database + "-wal") ?? 0)
    text.metric("journal_bytes", .gauge, "Size of the journal that the hooks write.")
    text.sample([], size(ofFile: directory(of: database) + "/journal") ?? 0)
  }

  /// How this host tells others, and hears of them.
  private func write(_ sync: SyncState, to text: inout Exposition) {
    text.metric("hosts", .gauge, "Hosts that share their users, this one included.")
    text.sample([], sync.hosts)
    if let heardAt = sync.heardAt {
      text.metric(
        "sync_last_success_timestamp_seconds", .gauge,
        "When all news of other hosts was last heard.")
      text.sample([], heardAt)
      text.metric("sync_news_age_seconds", .gauge, "How old that was when this was written.")
      text.sample([], max(0, now - heardAt))
    }
    text.metric("sync_waiting_rows", .gauge, "What this host has not told yet.")
    text.sample([], sync.waiting)
    text.metric("sync_failed_runs_total", .counter, "Runs of quota-sync that failed.")
    text.sample([], sync.failures)
    text.metric(
      "sync_retries_total", .counter,
      "Transactions that met with those of other hosts and ran anew.")
    text.sample([], sync.retries)
  }

  private func writeUsers(to text: inout Exposition) {
    let labelled = users.map { (user: $0, labels: MetricsReading.labels(of: $0.name)) }
    text.metric(
      "user_quota_bytes", .gauge, "What a user who has a quota may use in the current period.")
    for (user, labels) in labelled where user.entitlement.limit > 0 {
      text.sample(labels, user.entitlement.limit)
    }
    text.metric("user_used_bytes", .gauge, "What was used of the quota in the current period.")
    for (user, labels) in labelled { text.sample(labels, user.used(by: rules)) }
    if heard == nil {
      writeOwnUsage(of: labelled, to: &text)
    } else {
      writeUsage(of: labelled, to: &text)
    }
    text.metric("user_admitted", .gauge, "Whether a user would be let in now.")
    for (user, labels) in labelled { text.sample(labels, state(of: user) == nil ? 1 : 0) }
    let held = labelled.compactMap { user, labels in
      user.presentRate(by: rules).map { (rate: $0, labels: labels) }
    }
    for (name, help, bits) in [
      ("user_download_bits_per_second", "How fast a user who has a rate may download.", \Rate.down),
      ("user_upload_bits_per_second", "How fast a user who has a rate may upload.", \Rate.up),
    ] {
      text.metric(name, .gauge, help)
      for (rate, labels) in held { text.sample(labels, rate[keyPath: bits]) }
    }
  }

  private typealias Labelled = (user: UserRecord, labels: [Exposition.Label])

  /// What users used on this host, and what of the quota was used on others.
  private func writeOwnUsage(of users: [Labelled], to text: inout Exposition) {
    let elsewhere = users.filter { !$0.user.entitlement.elsewhere.isZero }
    if !elsewhere.isEmpty {
      text.metric("user_elsewhere_bytes", .gauge, "What of that was used on other hosts.")
      for (user, labels) in elsewhere {
        text.sample(labels, rules.count.bytes(of: user.entitlement.elsewhere))
      }
    }
    text.metric(
      "user_received_bytes_total", .counter, "Received from a user in the current period.")
    for (user, labels) in users { text.sample(labels, user.entitlement.used.received) }
    text.metric("user_sent_bytes_total", .counter, "Sent to a user in the current period.")
    for (user, labels) in users { text.sample(labels, user.entitlement.used.sent) }
    text.metric("user_sessions", .gauge, "Sessions of a user live at the last sweep.")
    for (user, labels) in users { text.sample(labels, Int64(user.openSessions)) }
  }

  /// What users used on each host.
  private func writeUsage(of users: [Labelled], to text: inout Exposition) {
    let rows = users.flatMap { user, labels in
      (elsewhere[user.number] ?? []).filter { $0.period?.start == user.entitlement.span.start }
        .sorted { $0.host ?? "" < $1.host ?? "" }
        .map { (row: $0, labels: labels + [("host", $0.host ?? "")]) }
    }
    text.metric(
      "user_received_bytes_total", .counter, "Received from a user in the current period.")
    for (row, labels) in rows { text.sample(labels, row.traffic.received) }
    text.metric("user_sent_bytes_total", .counter, "Sent to a user in the current period.")
    for (row, labels) in rows { text.sample(labels, row.traffic.sent) }
    text.metric("user_sessions", .gauge, "Sessions of a user live when their host last told.")
    for (row, labels) in rows { text.sample(labels, row.period?.sessions ?? 0) }
  }

  /// Why a user would be refused; nil if they would be let in.
  private func state(of user: UserRecord) -> String? {
    guard case .refused(let reason) = decide(user.entitlement, at: user.at, by: rules)
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
