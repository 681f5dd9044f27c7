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

  package var total: Int64 { saturatingSum(received, sent) }

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

/// What of some traffic falls on one day.
package struct Share: Equatable, Sendable {
  /// A moment inside the day, in UTC seconds: the last of its part.
  package let at: Int64
  package let traffic: Traffic

  package init(at: Int64, traffic: Traffic) {
    self.at = at
    self.traffic = traffic
  }
}

extension Traffic {
  /// Divides traffic over the days during which it moved, in proportion to the seconds of each.
  ///
  /// - Parameters:
  ///   - start: the UTC second after which it began to move; at most 366 days before `end` count.
  ///   - end: the UTC second up to which it moved.
  /// - Returns: one share a day, oldest first, that of the last day at `end`; days that get nothing
  ///   are left out, though never all. In each direction they add up exactly to the whole.
  package func shares(from start: Int64, to end: Int64, in zone: Zone) -> [Share] {
    let start = max(start, saturatingSum(end, -366 * 86_400))
    var (shares, given) = ([Share](), Traffic())
    for midnight in midnights(after: start, upTo: end, in: zone) {
      let due = part(midnight - start, of: end - start)
      let traffic = due.increase(over: given)
      if !traffic.isZero { shares.append(Share(at: midnight - 1, traffic: traffic)) }
      given = due
    }
    let rest = increase(over: given)
    if !rest.isZero || shares.isEmpty { shares.append(Share(at: end, traffic: rest)) }
    return shares
  }

  /// The first second after each day that ends between two moments. A day that the zone skipped ends
  /// together with the one before it.
  private func midnights(after start: Int64, upTo end: Int64, in zone: Zone) -> [Int64] {
    guard start < end else { return [] }
    var (day, last) = (Day(of: start, in: zone), Day(of: end, in: zone))
    var moments: [Int64] = []
    while day < last {
      let moment = zone.end(of: day)
      // Not where a clock set back shows once more a day that is over.
      if moment > start, moment <= end { moments.append(moment) }
      day = day + 1
    }
    return moments
  }

  /// The part of the traffic that falls on some of its seconds, rounded down.
  private func part(_ seconds: Int64, of whole: Int64) -> Traffic {
    func scaled(_ bytes: Int64) -> Int64 {
      Int64(clamping: Int128(bytes) * Int128(seconds) / Int128(whole))
    }
    return Traffic(received: scaled(received), sent: scaled(sent))
  }
}

/// How long a step of a series of usage is.
package enum UsageStep: String, CaseIterable, Sendable {
  case day
  /// From Monday to Sunday, as ISO 8601 has it.
  case week
  case month

  /// The first day of the step that a day is part of.
  package func first(around day: Day) -> Day {
    switch self {
    case .day: day
    case .week: day + (1 - day.weekday.rawValue)
    case .month: day + (1 - day.civil.day)
    }
  }

  /// The first day of the step behind the one that begins on a day.
  package func next(after first: Day) -> Day {
    switch self {
    case .day: first + 1
    case .week: first + 7
    // 31 days on is always in the next month.
    case .month: self.first(around: first + 31)
    }
  }
}

package struct UsagePoint: Equatable, Sendable {
  package let start: Day
  package let traffic: Traffic

  package init(start: Day, traffic: Traffic) {
    self.start = start
    self.traffic = traffic
  }
}

/// Adds the usage of days up by steps, in the order of time. A step without any use stands between
/// others with zeros, so that a chart of the series shows time as it passed.
///
/// - Parameters:
///   - usage: what was moved on each day, days without use left out.
///   - last: the series goes on to the step around this day, if it has begun before.
package func usageSeries(
  _ usage: [Day: Traffic], by step: UsageStep, through last: Day
) -> [UsagePoint] {
  var sums: [Day: Traffic] = [:]
  for (day, traffic) in usage { sums[step.first(around: day), default: Traffic()] += traffic }
  var points: [UsagePoint] = []
  // What was moved before there was a ledger is kept under the calendar's first day, long ago.
  if let carried = sums.removeValue(forKey: step.first(around: Day.beforeEveryLedger)) {
    points.append(UsagePoint(start: Day.beforeEveryLedger, traffic: carried))
  }
  let used = sums.keys.sorted()
  guard let newest = used.last else { return points }
  let end = max(newest, step.first(around: last)) + 1
  for (day, following) in zip(used, used.dropFirst() + [end]) {
    points.append(UsagePoint(start: day, traffic: sums[day] ?? Traffic()))
    // A gap of more than ten years comes of a clock that was wrong.
    if following.number - day.number > 3660 { continue }
    var gap = step.next(after: day)
    while gap < following, gap > day {
      points.append(UsagePoint(start: gap, traffic: Traffic()))
      let next = step.next(after: gap)
      if next <= gap { break }
      gap = next
    }
  }
  return points
}

extension Day {
  /// 0001-01-01, under which usage is kept whose day nobody knows.
  package static let beforeEveryLedger = Day(number: -719_162)
}
