import ArgumentParser
import Glibc
import Ledger
import Quota
import Support
import System

struct CommonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read this file in place of /etc/openvpn-quota/quota.conf.", valueName: "file"),
    completion: .file())
  var config: String?

  /// Where the argument of `--config` is, whatever the working directory becomes.
  var path: String? { config.map { FileArgument($0).path } }

  /// The settings, with a warning for each that makes no sense but does not stop the work.
  ///
  /// - Throws: `SettingsError`.
  func settings() throws -> Settings { try loadedSettings().settings }

  func loadedSettings() throws -> LoadedSettings {
    try AdminProgram.diagnostics.loadedSettings(config: path)
  }
}

/// How a list is written: a table for people, JSON or CSV for programs.
enum Format { case text, json, csv }

struct OutputOptions: ParsableArguments {
  @Flag(help: "Write JSON, with amounts in bytes.")
  var json = false

  var format: Format { json ? .json : .text }
}

struct FormatOptions: ParsableArguments {
  @Flag(help: "Write JSON, with amounts in bytes.")
  var json = false
  @Flag(help: "Write CSV, with amounts in bytes.")
  var csv = false

  var format: Format { json ? .json : csv ? .csv : .text }

  func validate() throws {
    if json && csv { throw ValidationError("Only one of --json and --csv can be written.") }
  }
}

extension Listing {
  /// Writes the list as it was asked for. People are told how to fill one that is empty.
  func write(as format: Format, _ words: Words) throws(SystemError) {
    switch format {
    case .text:
      try StandardOutput.write(table(words))
      if rows.isEmpty, let ifEmpty {
        AdminProgram.diagnostics.notice(ifEmpty.notice, hint: ifEmpty.hint)
      }
    case .json: try StandardOutput.write(json)
    case .csv: try StandardOutput.write(csv(isForTerminal: Terminal.isOutput))
    }
  }
}

/// Whether a report is about this host, or about all that share their users.
struct HostsOption: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Tell of what was moved on all hosts that share their users; the centre is asked."))
  var allHosts = false

  /// What JSON says of such a report.
  static let about = (key: "hosts", value: "all")
}

struct LimitOption: ParsableArguments {
  @Option(
    name: [.customShort("n"), .long],
    help: ArgumentHelp(
      "Show no more than this many; if left out 10 users, or 50 events.", valueName: "number"))
  var limit: Int?

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") }
  }
}

struct NameArgument: ParsableArguments {
  @Argument(
    help: "The user's name as list shows it; one that begins with a hyphen goes behind --.",
    completion: .userNames)
  var name: String

  /// - Throws: `CommandError`, 65, for a name that no user can have.
  func userName() throws(CommandError) -> UserName { try UserName(argument: name) }
}

struct NamesArgument: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "The users' names; - reads names from standard input, one a line.", valueName: "name"),
    completion: .userNames)
  var names: [String]

  /// The names in their order, each once.
  ///
  /// - Throws: `CommandError`, 65, for a name that no user can have.
  func userNames() throws -> [UserName] {
    var all: [UserName] = []
    for argument in names {
      all += argument == "-" ? try NamesArgument.fromInput() : [try UserName(argument: argument)]
    }
    var seen: Set<UserName> = []
    return all.filter { seen.insert($0).inserted }
  }

  /// The lines of standard input; empty ones do not count.
  private static func fromInput() throws -> [UserName] {
    let input = try Descriptor.standardInput.readToEnd(of: "standard input", limit: 1 << 28)
    return try input.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let name = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      return name.isEmpty ? nil : try UserName(checked: Array(name))
    }
  }
}

/// Whether the person really wants what cannot be undone.
struct Consent: ParsableArguments {
  @Flag(help: "Do not ask.")
  var yes = false

  /// Asks on the terminal, unless `--yes` was given.
  ///
  /// - Parameter question: what is about to happen, such as `remove alice`.
  /// - Throws: `CommandError`, 64, where there is no terminal to ask on.
  func isGiven(to question: String) throws -> Bool {
    if yes { return true }
    guard let answer = try Consent.answer(to: question) else {
      throw CommandError(
        "there is no terminal to ask on: \(question)?", hint: "--yes does it without asking",
        exitStatus: .usage)
    }
    if !answer { try StandardOutput.write(["nothing was changed"]) }
    return answer
  }

  /// Asks on the terminal; nil where there is none.
  static func answer(to question: String) throws -> Bool? {
    guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return nil }
    try Descriptor.standardError.write(Array("\(question)? [y/N] ".utf8).span, to: "the terminal")
    let answer = readLine(strippingNewline: true)?.lowercased()
    return answer == "y" || answer == "yes"
  }
}

struct WindowOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Leave out what was before: a date such as 2026-11-01, a time such as 2026-11-01T14:05, "
        + "today, yesterday, or 12h, 7d, 4w for so long ago.", valueName: "time"))
  var since: String?
  @Option(
    help: ArgumentHelp(
      "Leave out what was after; a date is meant with all of its day.", valueName: "time"))
  var until: String?

  /// The stretch of time that the options choose.
  ///
  /// - Parameters:
  ///   - days: how many days it has if `--since` is not given, the last one included.
  ///   - now: seconds since 1970 in UTC, which nothing reported is later than.
  /// - Throws: `CommandError`, 65, that says what is allowed.
  func window(ofDays days: Int64, now: Int64, in zone: Zone) throws(CommandError) -> Window {
    let moments = Moments(now: now, zone: zone)
    // Nothing is later than now but by a clock that was wrong, and that should show.
    let end = try until.map { text throws(CommandError) in
      try moments.span(of: text, for: "--until").upperBound
    }
    let newest = Day(of: (end ?? now) - (end == nil ? 0 : 1), in: zone)
    let start = try since.map { text throws(CommandError) in
      try moments.span(of: text, for: "--since").lowerBound
    }
    let window = Window(
      start: start ?? zone.start(of: newest + (1 - days)), end: end ?? .max, zone: zone,
      newest: newest)
    guard let window else {
      throw CommandError("--since is later than --until", hint: "nothing can be between them")
    }
    return window
  }
}

/// A stretch of time, in seconds and in days.
struct Window: Equatable {
  /// Seconds since 1970 in UTC.
  let time: Range<Int64>
  /// The days that it has a part of.
  let days: ClosedRange<Day>
  /// The last day that anything is expected of.
  let newest: Day

  /// Nil where it would end before it begins.
  init?(start: Int64, end: Int64, zone: Zone, newest: Day) {
    guard start < end else { return nil }
    time = start..<end
    // Sums of usage begin with the day they were kept under before there was a ledger.
    days = Day(of: start, in: zone)...Day(of: end - 1, in: zone)
    self.newest = newest
  }
}

struct UserFilter: ParsableArguments {
  @Flag(help: "Only who has used up the quota.")
  var over = false
  @Flag(help: "Only who is near the quota: past the least percentage of NOTIFY_AT, and not over.")
  var near = false
  @Flag(help: "Only who is disabled.")
  var disabled = false
  @Flag(help: "Only whose time is over.")
  var expired = false
  @Flag(help: "Only who had a live session at the last sweep.")
  var online = false
  @Option(help: "Order by name, used, quota, share, sessions or created; the largest first.")
  var sort = Order.name
  @Flag(help: "Turn the order round.")
  var reverse = false

  var isEmpty: Bool { !(over || near || disabled || expired || online) }

  enum Order: String, ExpressibleByArgument, CaseIterable {
    case name, used, quota, share, sessions, created
  }

  /// Hands on who passes, in order.
  ///
  /// - Parameter each: hands every user to a body, in the order of names.
  func apply(
    by rules: Rules, nearFrom percent: Int, _ each: ((UserRecord) -> Void) throws -> Void
  ) rethrows -> [UserRecord] {
    var users: [UserRecord] = []
    try each { user in
      if passes(user, by: rules, nearFrom: percent) { users.append(user) }
    }
    if sort != .name { order(&users, by: rules) }
    return reverse ? users.reversed() : users
  }

  private func passes(_ user: UserRecord, by rules: Rules, nearFrom percent: Int) -> Bool {
    if disabled, user.entitlement.isEnabled { return false }
    if online, user.openSessions == 0 { return false }
    if expired, user.entitlement.expiresAt.map({ $0 > user.at }) ?? true { return false }
    guard over || near else { return true }
    let share = user.shareOfLimit(by: rules)
    if over, near { return share * 100 >= Double(percent) }
    return over ? share >= 1 : share * 100 >= Double(percent) && share < 1
  }

  private func order(_ users: inout [UserRecord], by rules: Rules) {
    let keys = users.map { key(of: $0, by: rules) }
    let places = users.indices.sorted { keys[$0] == keys[$1] ? $0 < $1 : keys[$0] > keys[$1] }
    users = places.map { users[$0] }
  }

  private func key(of user: UserRecord, by rules: Rules) -> Double {
    switch sort {
    case .name: 0
    case .used: Double(user.used(by: rules))
    // No quota is more than any.
    case .quota: user.entitlement.limit == 0 ? .infinity : Double(user.entitlement.limit)
    case .share: user.shareOfLimit(by: rules)
    case .sessions: Double(user.openSessions)
    case .created: Double(user.createdAt ?? 0)
    }
  }
}
