import ArgumentParser
import Ledger
import Quota
import System

struct Usage: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what was moved, by hour, day, week, month, session, server or host.",
    discussion: "Example: quota-admin usage alice --by week --since 2026-09-01")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: FormatOptions
  @Option(
    help: ArgumentHelp(
      "What a line is about: hour, day, week, month, session, server or host.",
      valueName: "what"))
  var by = Grouping.day
  @OptionGroup var window: WindowOptions
  @OptionGroup var hosts: HostsOption
  @Argument(
    help: "Whom it is about, one by one; everybody together if left out.",
    completion: .userNames)
  var names: [String] = []

  /// What one line tells of.
  enum Grouping: String, CaseIterable, ExpressibleByArgument {
    case hour, day, week, month, session, server, host

    /// How many days are shown if nothing is said of the time.
    var days: Int64 {
      switch self {
      case .hour: 2
      case .day, .server, .host: 30
      case .week: 7 * 12
      case .month: 365
      case .session: 7
      }
    }

    /// Whether the centre of the hosts has what it takes.
    var isOfDays: Bool { self == .host || UsageStep(rawValue: rawValue) != nil }
  }

  func validate() throws {
    if hosts.allHosts && !by.isOfDays {
      throw ValidationError(
        "The hosts tell each other of days only, so --all-hosts goes with --by day, week, month or host."
      )
    }
  }

  func run() throws {
    let names = try names.map { try UserName(argument: $0) }
    let administration = try Administration(options)
    let (ledger, words) = (administration.ledger, administration.words)
    let now = Clock.now
    let window = try window.window(ofDays: by.days, now: now, in: words.zone)
    let numbers = try names.map { name in
      guard let number = try ledger.users.id(of: name) else { throw administration.unknown(name) }
      return number
    }
    let report = UsageReport(window: window, words: words, now: now)
    let subjects: [(name: UserName?, number: Int64?)] =
      names.isEmpty ? [(nil, nil)] : zip(names, numbers).map { ($0, $1) }
    if by == .session {
      let sessions = try ledger.snapshot {
        let owners = try ledger.users.owners()
        return try subjects.map { subject in
          try report.sessions(of: subject.number, ledger, owners)
        }
      }.flatMap(\.self)
      return try report.listing(sessions).write(as: output.format, words)
    }
    let isOfAll = hosts.allHosts || by == .host
    let lines =
      isOfAll
      ? try report.lines(of: subjects, by: by, AllHosts(administration))
      : try ledger.snapshot {
        try subjects.map { subject in
          try report.lines(of: subject.number, called: subject.name, by: by, ledger)
        }
      }.flatMap(\.self)
    var listing = report.listing(lines, by: by, namesUsers: subjects.count > 1)
    if isOfAll { listing.about.append(HostsOption.about) }
    try listing.write(as: output.format, words)
  }
}
