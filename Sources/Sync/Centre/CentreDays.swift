import Ledger
import Quota
import Support
import System

extension Centre {
  /// Tells what a host's users moved on days.
  static func push(
    _ days: [OwnDay], of host: String, _ connection: borrowing PostgresConnection
  ) throws(PostgresError) {
    if days.isEmpty { return }
    // In ascending order of keys, so that two hosts cannot wait for each other.
    let days = days.sorted { ($0.user, $0.day) < ($1.user, $1.day) }
    try connection.run(
      """
      INSERT INTO quota_days (user_id, day, host, received, sent)
      SELECT n.user_id, n.day, $1, n.received, n.sent
      FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
        AS n (user_id, day, received, sent)
      ON CONFLICT (user_id, day, host) DO UPDATE SET received = excluded.received,
        sent = excluded.sent
      """, .text(host), .texts(days.map(\.user)), .integers(days.map(\.day.number)),
      .integers(days.map(\.traffic.received)), .integers(days.map(\.traffic.sent)))
  }

  /// Forgets a host's days before one, but for what was moved before every ledger: some days at most, each
  /// in a transaction of its own.
  package func removeDays(of host: String, before oldest: Day) throws(PostgresError) {
    for _ in 0..<60 {
      guard let day = try nextDay(of: host, after: .beforeEveryLedger), day < oldest else { return }
      try connection.run(
        "DELETE FROM quota_days WHERE host = $1 AND day = $2::bigint", .text(host),
        .integer(day.number))
    }
  }

  /// The first day after another, or from it on, of which the centre has something of a host.
  package func nextDay(
    of host: String, after day: Day, orOnIt isIncluded: Bool = false
  ) throws(PostgresError) -> Day? {
    let rows = try connection.run(
      """
      SELECT day FROM quota_days WHERE host = $1 AND day \(isIncluded ? ">=" : ">") $2::bigint
        ORDER BY day LIMIT 1
      """, .text(host), .integer(day.number))
    return rows.count == 1 ? rows.integer(0, 0).map { Day(number: $0) } : nil
  }

  /// What the centre has of one day of a host.
  package func days(of host: String, on day: Day) throws(PostgresError) -> [OwnDay] {
    let rows = try connection.run(
      "SELECT user_id, received, sent FROM quota_days WHERE host = $1 AND day = $2::bigint",
      .text(host), .integer(day.number))
    return (0..<rows.count).compactMap { row in
      guard let received = rows.integer(row, 1), let sent = rows.integer(row, 2) else { return nil }
      return OwnDay(
        user: rows.text(row, 0), day: day, traffic: Traffic(received: received, sent: sent))
    }
  }
}

// MARK: Reports

extension Centre {
  /// Answers questions of what was moved, all as of one moment.
  package func answers(to questions: [UsageQuestion]) throws -> [UsageAnswer] {
    try connection.transaction { connection in
      try connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
      var answers: [UsageAnswer] = []
      for (number, question) in questions.enumerated() {
        switch question {
        case .days(let days, let users, let parts):
          answers += try Centre.usage(number, on: days, of: users, by: parts, connection)
        case .periods: answers += try Centre.presentUsage(number, connection)
        case .hosts:
          for host in try Centre.hosts(connection) {
            var answer = UsageAnswer(question: number)
            answer.host = host.host
            answer.age = host.hasLeft ? nil : host.age
            answers.append(answer)
          }
        }
      }
      return answers
    }
  }

  private static func presentUsage(
    _ number: Int, _ connection: borrowing PostgresConnection
  ) throws(PostgresError) -> [UsageAnswer] {
    let rows = try connection.run(
      """
      SELECT u.user_id, u.host, u.period_start, u.received, u.sent, u.sessions
      FROM quota_usage AS u JOIN (
        SELECT user_id, max(period_start) AS last FROM quota_usage GROUP BY user_id) AS p
        ON p.user_id = u.user_id AND p.last = u.period_start
      """)
    return (0..<rows.count).compactMap { row in
      guard let start = rows.integer(row, 2), let received = rows.integer(row, 3),
        let sent = rows.integer(row, 4)
      else { return nil }
      var answer = UsageAnswer(
        question: number, traffic: Traffic(received: received, sent: sent))
      answer.user = rows.text(row, 0)
      answer.host = rows.text(row, 1)
      answer.period = (start, rows.integer(row, 5) ?? 0)
      return answer
    }
  }

  private static func usage(
    _ number: Int, on days: ClosedRange<Day>, of users: [String]?,
    by parts: Set<UsageQuestion.Part>,
    _ connection: borrowing PostgresConnection
  ) throws(PostgresError) -> [UsageAnswer] {
    /// A column that rows are added up by, or nothing in its place.
    func column(_ part: UsageQuestion.Part, _ name: String, _ type: String) -> String {
      parts.contains(part) ? name : "NULL::\(type)"
    }
    let rows = try connection.run(
      """
      SELECT s.user_id, s.day, s.host, s.received, s.sent, f.content, f.is_removed
      FROM (
        SELECT \(column(.user, "user_id", "text")) AS user_id, \(column(.day, "day", "bigint")) AS day,
          \(column(.host, "host", "text")) AS host, sum(received) AS received, sum(sent) AS sent
        FROM quota_days WHERE day BETWEEN $1::bigint AND $2::bigint
          \(users == nil ? "AND $3::text[] IS NOT NULL" : "AND user_id = ANY ($3::text[])")
        GROUP BY 1, 2, 3) AS s
      LEFT JOIN quota_facts AS f ON f.kind = 'user' AND f.key = s.user_id
      """, .integer(days.lowerBound.number), .integer(days.upperBound.number),
      .texts(users ?? []))
    return (0..<rows.count).compactMap { row in
      if rows.isNull(row, 3) { return nil }
      // A sum that does not fit into 64 bits is as much as fits.
      var answer = UsageAnswer(
        question: number,
        traffic: Traffic(
          received: rows.integer(row, 3) ?? .max, sent: rows.integer(row, 4) ?? .max))
      answer.user = rows.isNull(row, 0) ? nil : rows.text(row, 0)
      answer.day = rows.integer(row, 1).map { Day(number: $0) }
      answer.host = rows.isNull(row, 2) ? nil : rows.text(row, 2)
      if let name = SharedFact.content(ofText: rows.text(row, 5))?["name"] {
        answer.owner = Owner(
          name: UserName(bytes: Escaping.bytes(ofName: Array(name.utf8))),
          isRemoved: rows.truth(row, 6))
      }
      return answer
    }
  }
}

// MARK: A run

extension HostSync {
  /// Tells of days what is left after usage is told: late ones, and history from before the host joined.
  ///
  /// - Parameter history: about how many rows of history are told at most.
  func tellDays(
    _ centre: borrowing SomeCentre, _ host: PresentHost, on today: Day, history: Int
  ) throws {
    let oldest = Day(of: now() - Int64(settings.retentionDays) * 86_400, in: settings.zone)
    while case let late = try ledger.hosts.lateDays(limit: HostSync.portion), !late.isEmpty {
      try centre.push([], late.filter(isSound), of: host, isRestored: false)
      try ledger.hosts.noteTold(late)
    }
    var told = 0
    while told < history, let (day, rows) = try ledger.hosts.nextOfHistory(keepingFrom: oldest) {
      for start in stride(from: 0, to: rows.count, by: HostSync.portion) {
        let end = min(rows.count, start + HostSync.portion)
        try centre.push([], rows[start..<end].filter(isSound), of: host, isRestored: false)
      }
      try ledger.hosts.noteHistory(from: day)
      told += rows.count + 1
    }
    if try ledger.hosts.membership()?.toldDay != today {
      try centre.removeDays(of: host.membership.host, before: oldest)
      try ledger.hosts.noteTold(before: today, keepingFrom: oldest)
    }
  }

  /// Whether the centre can take a day; one that makes no sense is named and keeps no other from it.
  func isSound(_ day: OwnDay) -> Bool {
    let isSound = day.traffic.received >= 0 && day.traffic.sent >= 0
    if !isSound {
      warn("a day of the user with the uid \(day.user) makes no sense and is not told", nil)
    }
    return isSound
  }

  /// Takes in what the centre has of this host's days from the last on that this ledger knows to be told.
  func takeOwnDays(_ centre: borrowing SomeCentre, _ host: PresentHost) throws {
    var next = try centre.nextDay(
      of: host.membership.host, after: host.membership.toldDay ?? .beforeEveryLedger,
      orOnIt: true)
    while let day = next {
      let days = try centre.days(of: host.membership.host, on: day)
      try ledger.hosts.takeOwn(days, on: day)
      next = try centre.nextDay(of: host.membership.host, after: day, orOnIt: false)
    }
  }
}
