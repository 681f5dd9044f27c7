import ArgumentParser
import Support
import Ledger
import Quota

struct TermsOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The quota, such as 50GB, 1.5GiB or unlimited.", valueName: "size"))
  var quota: String?
  @Option(
    help: ArgumentHelp(
      "When usage starts over: none, day, week, month, year, or days such as 30d.",
      valueName: "period"))
  var period: String?
  @Option(
    help: ArgumentHelp(
      "The day it does so: 1 to 31 for a month, monday to sunday for a week, a date for days.",
      valueName: "day"))
  var resetDay: String?
  @Option(
    help: ArgumentHelp(
      "The last day, such as 2026-12-31, a time such as +30d, or never.", valueName: "date"))
  var expires: String?
  @Flag(help: "Let the time of --expires begin with the first connection.")
  var fromFirstConnection = false
  @Option(
    help: ArgumentHelp("How many sessions at once, or unlimited.", valueName: "number"))
  var maxSessions: String?
  @Option(
    help: ArgumentHelp(
      "How far past the quota before anything is done: a size, a percentage such as 5%, or none.",
      valueName: "grace"))
  var grace: String?
  @Option(
    name: .customLong("then"),
    help: ArgumentHelp(
      "How fast once the quota is used up, such as 1Mbit or 2Mbit/512kbit (DOWN/UP), or cut.",
      valueName: "rate"))
  var thenRate: String?
  @Option(help: ArgumentHelp("How fast at any time, or none.", valueName: "rate"))
  var rate: String?
  @Flag(inversion: .prefixedNo, help: "Meter only, and never refuse or disconnect.")
  var exempt: Bool?

  /// - Parameter present: the period so far, whose day `--reset-day` alone changes.
  /// - Throws: `CommandError`, 65, that names the option and says what is allowed.
  func edit(
    at time: Int64, in zone: Zone, present: () throws -> Period
  ) throws -> TermsEdit {
    var edit = TermsEdit()
    if let quota {
      edit.quota = .set(try ByteSize.confirmed(quota, of: "--quota", unlessBelow: 1_000_000))
    }
    if period != nil || resetDay != nil {
      edit.period = .set(try newPeriod(on: Day(of: time, in: zone), present: present))
    }
    if let expires {
      edit.lifetime = .set(
        try Lifetime(argument: expires, fromFirstConnection, at: time, in: zone))
    } else if fromFirstConnection {
      throw CommandError(
        "--from-first-connection goes with --expires, as in: --expires +30d --from-first-connection"
      )
    }
    if let maxSessions { edit.maxSessions = .set(try sessionLimit(argument: maxSessions)) }
    if let grace {
      edit.grace = .set(try Grace(argument: grace))
      if !grace.hasSuffix("%"), grace.lowercased() != "none" {
        _ = try ByteSize.confirmed(grace, of: "--grace", unlessBelow: 1_000_000)
      }
    }
    if let rate { edit.rate = .set(try RateTerm(argument: rate, or: "none", of: "--rate")) }
    if let thenRate {
      edit.thenRate = .set(try RateTerm(argument: thenRate, or: "cut", of: "--then"))
    }
    if let exempt { edit.isExempt = .set(exempt) }
    return edit
  }

  var isEmpty: Bool {
    quota == nil && period == nil && resetDay == nil && expires == nil && maxSessions == nil
      && grace == nil && exempt == nil && rate == nil && thenRate == nil && !fromFirstConnection
  }

  private func newPeriod(on today: Day, present: () throws -> Period) throws -> Period {
    let kind = try period ?? present().kind
    do throws(PeriodError) {
      return try Period.parse(kind, resetDay: resetDay, today: today)
    } catch {
      let isAboutTheDay = (try? Period.parse(kind, resetDay: nil, today: today)) != nil
      let option = period == nil || isAboutTheDay ? "--reset-day" : "--period"
      throw CommandError("\(option): \(error)")
    }
  }
}

extension ByteSize {
  /// The size that an option gives. Asks about a small one without a unit, which was likely forgotten:
  /// a person who means so few bytes can write `50B`.
  ///
  /// - Throws: `CommandError` for what is no size, or was not meant.
  static func confirmed(
    _ argument: String, of option: String, unlessBelow least: Int64
  ) throws -> Int64 {
    let bytes = try ByteSize.argument(argument, of: option)
    let isBare = argument.utf8.allSatisfy { 48...57 ~= $0 || " .".utf8.contains($0) }
    guard isBare, bytes > 0, bytes < least else { return bytes }
    let meaning = "\(option) \(argument) is \(bytes) \(bytes == 1 ? "byte" : "bytes")"
    if try Consent.answer(to: "\(meaning); is that what you mean") == true { return bytes }
    let likely = option == "--grace" ? "%" : "GB"
    throw CommandError(
      meaning, hint: "write a unit, as in \(argument)\(likely), or \(argument)B for so few bytes")
  }
}

extension Period {
  /// The period as it is typed without the day that it begins on.
  fileprivate var kind: String {
    switch self {
    case .none: "none"
    case .day: "day"
    case .week: "week"
    case .month: "month"
    case .year: "year"
    case .days(let count, from: _): "\(count)d"
    }
  }
}
