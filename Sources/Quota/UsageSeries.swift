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
