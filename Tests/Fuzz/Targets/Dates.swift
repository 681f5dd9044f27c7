import Support
import Quota

@testable import Admin

extension FuzzTarget {
  /// Dates, times, periods and expiries as people write them, one a line; with the first bytes of
  /// the input a zone and a moment are made to calculate with.
  static let dates = FuzzTarget("dates") { bytes throws(Broken) in
    var numbers = bytes.makeIterator()
    func number() -> Int64 {
      (0..<6).reduce(Int64(0)) { sum, _ in sum << 8 | Int64(numbers.next() ?? 0) }
    }
    let zone = zone(number() % 43_200, number() % 43_200, changing: number() % 100_000_000_000)
    let now = number() % 200_000_000_000
    let lines = lines(of: bytes).prefix(16).map { text($0) }
    for (index, line) in lines.enumerated() {
      try checkDay(line)
      try checkPeriod(line, index + 1 < lines.count ? lines[index + 1] : nil, at: now, in: zone)
      try checkExpiry(line, at: now, in: zone)
      try checkTime(line, at: now, in: zone)
    }
    let day = Day(of: now, in: zone)
    try require(zone.start(of: day) <= now, "a day has begun when it is")
    try require(zone.start(of: day) < zone.end(of: day), "a day has a length, if a clock shows it")
    try same(time(iso: isoTime(now)), now, "a time as ISO 8601 has it")
  }

  /// A zone whose clocks were set once.
  private static func zone(_ before: Int64, _ after: Int64, changing moment: Int64) -> Zone {
    Zone { $0 < moment ? Int(before) : Int(after) }
  }

  private static func checkDay(_ line: String) throws(Broken) {
    guard let day = Day.parse(line) else { return }
    try same(day.description, line, "a date")
    let (year, month, date) = day.civil
    try same(Day(year: year, month: month, day: date), day, "the parts of a date")
    try require((day + 1).number == day.number + 1 || line == "9999-12-31", "the day after \(line)")
  }

  private static func checkPeriod(
    _ line: String, _ resetDay: String?, at now: Int64, in zone: Zone
  ) throws(Broken) {
    let today = Day(of: now, in: zone)
    let typed = [nil, resetDay].map { resetDay in
      Result { () throws(PeriodError) in
        try Period.parse(line, resetDay: resetDay, today: today)
      }
    }
    for case .failure(let error) in typed { try requireSafe(error.description, "the complaint") }
    for period in (typed.map { try? $0.get() } + [Period(text: line)]).compactMap({ $0 }) {
      try same(Period(text: period.text), period, "a period as it is stored")
      let span = period.span(at: now, in: zone)
      try require(span.contains(now), "\(period) from \(span.start) to \(span.end) holds \(now)")
      guard span.end < .max else { continue }
      let next = period.span(at: span.end, in: zone)
      try same(next.start, span.end, "the beginning of the next \(period)")
      try require(next.end > next.start, "a \(period) has a length")
    }
  }

  private static func checkExpiry(
    _ line: String, at now: Int64, in zone: Zone
  ) throws(Broken) {
    switch Result(catching: { () throws(ExpiryError) in try Expiry.parse(line) }) {
    case .failure(let error): try requireSafe(error.description, "the complaint")
    case .success(.within(let seconds)):
      try require(3600...3650 * 86_400 ~= seconds, "\(line), \(seconds) s, is allowed")
    case .success(.never): break
    case .success(.on(let day)):
      let last = (Expiry.on(day).moment(from: now, in: zone) ?? 0) - 1
      try same(Day(of: last, in: zone), day, "the day of the last second")
    }
  }

  private static func checkTime(
    _ line: String, at now: Int64, in zone: Zone
  ) throws(Broken) {
    if let moment = time(iso: line) { try same(isoTime(moment), line, "a time") }
    let moments = Moments(now: now, zone: zone)
    let span = Result { () throws(CommandError) in try moments.span(of: line, for: "--since") }
    switch span {
    case .failure(let error): try requireSafe(error.message, "the complaint")
    case .success(let span): try require(!span.isEmpty, "\(line) is some time")
    }
  }
}
