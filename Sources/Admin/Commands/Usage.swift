import ArgumentParser
import Ledger
import System
import Quota
import SQLite

struct Usage: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what was moved, by hour, day, week, month, session or server.",
    discussion: "Example: quota-admin usage alice --by week --since 2026-09-01")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: FormatOptions
  @Option(
    help: ArgumentHelp(
      "What a line is about: hour, day, week, month, session or server.", valueName: "what"))
  var by = Grouping.day
  @OptionGroup var window: WindowOptions
  @Argument(
    help: "Whom it is about, each told of by himself; everybody together if left out.",
    completion: .userNames)
  var names: [String] = []

  /// What one line tells of.
  enum Grouping: String, CaseIterable, ExpressibleByArgument {
    case hour, day, week, month, session, server

    /// How many days are shown if nothing is said of the time.
    var days: Int64 {
      switch self {
      case .hour: 2
      case .day, .server: 30
      case .week: 7 * 12
      case .month: 365
      case .session: 7
      }
    }
  }

  func run() throws {
    let names = try names.map { try UserName(argument: $0) }
    let administration = try Administration(options)
    let zone = administration.settings.zone
    let now = Clock.now
    let window = try window.window(ofDays: by.days, now: now, in: zone)
    let subjects = try administration.subjects(names)
    let count = administration.settings.rules.count
    let report: any Report
    switch by {
    case .hour:
      report = try administration.read { ledger in
        try HourlyReport(ledger, subjects, window, count, zone, now: now)
      }
    case .session:
      report = try administration.read { ledger in
        try SessionReport(ledger, subjects, window, count, zone)
      }
    case .server:
      report = try administration.read { ledger in
        try ServerUsageReport(ledger, subjects, window, count)
      }
    case .day: report = try series(.day, administration, subjects, window)
    case .week: report = try series(.week, administration, subjects, window)
    case .month: report = try series(.month, administration, subjects, window)
    }
    try StandardOutput.write(report.text(as: output.format))
  }

  private func series(
    _ step: UsageStep, _ administration: Administration, _ subjects: [Subject], _ window: Window
  ) throws -> any Report {
    try administration.read { ledger in
      try SeriesReport(
        ledger, subjects, window, by: step, administration.settings.rules.count)
    }
  }
}
