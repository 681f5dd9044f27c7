import ArgumentParser
import Ledger
import Quota
import Support
import System

struct Notify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Deliver the notices that wait, by running NOTIFY_COMMAND for each.",
    discussion: """
      A timer runs it after each sweep. Whom a notice is for and what it says stands in the \
      environment of the command; quota-admin(8) lists the variables. A command that fails, or \
      takes longer than 30 seconds, is run again later, up to 5 times in all.

      Example: quota-admin notify
      """)

  @OptionGroup var options: CommonOptions

  private static let timeLimit = Duration.seconds(30)

  func run() throws {
    let administration = try Administration(options)
    let (ledger, settings) = (administration.ledger, administration.settings)
    let command = settings.notifyCommand
    let log = Log(AdminProgram.diagnostics, settings)
    if command.isEmpty { return }
    let begun = Clock.now
    var failed = 0
    while let notice = try ledger.notices.takeNext(since: begun, at: Clock.now) {
      let fate = try deliver(notice, by: command, administration, log)
      if fate != .delivered { failed += 1 }
      // The others would most likely hang too, for half a minute each.
      if fate == .hung { break }
    }
    let dropped = try ledger.notices.giveUp(at: Clock.now)
    if dropped > 0 { log.warn("gave up on \(dropped) notices that could not be delivered") }
    if failed > 0 {
      throw CommandError(
        "\(failed) notices were not delivered; they will be tried again",
        hint: "the log says why: \(settings.logFile)", exitStatus: .unavailable)
    }
  }

  private enum Fate { case delivered, failed, hung }

  private func deliver(
    _ notice: Notice, by command: String, _ administration: Administration, _ log: Log
  ) throws -> Fate {
    guard let user = try administration.find(notice.user) else { return .delivered }
    let settings = administration.settings
    let letter = NoticeLetter(
      notice, to: user, administration.words,
      pages: settings.userPages.isEmpty ? nil : settings.userPagesURL)
    do throws(ChildFailure) {
      try runChild(command, environment: letter.environment, timeLimit: Notify.timeLimit)
    } catch {
      log.record(
        .warning, "not delivered",
        [
          "user": .bytes(notice.user.bytes), "notice": .text(notice.kind.rawValue),
          "detail": .text(notice.detail), "try": .number(notice.tries + 1),
          "why": .text(error.description),
        ])
      return error == .timedOut ? .hung : .failed
    }
    try administration.ledger.notices.settle(notice, at: Clock.now)
    log.record(
      .info, "notified",
      [
        "user": .bytes(notice.user.bytes), "notice": .text(notice.kind.rawValue),
        "detail": .text(notice.detail),
      ])
    return .delivered
  }
}

/// What `NOTIFY_COMMAND` is told of a notice; quota-admin(8) lists the variables.
struct NoticeLetter {
  private let notice: Notice
  private let user: UserRecord
  private let words: Words
  private let pages: String?

  /// - Parameter pages: the address of users' pages, empty if that is not known; nil where there are none.
  init(_ notice: Notice, to user: UserRecord, _ words: Words, pages: String? = nil) {
    self.pages = pages
    self.notice = notice
    self.user = user
    self.words = words
  }

  /// `NAME=VALUE` as bytes, for a user's name is any bytes.
  var environment: [[UInt8]] {
    let others: [(key: String, value: FieldValue)] = [
      ("used", .text(words.size(notice.used))), ("limit", .text(words.quota(notice.limit))),
      ("user", .bytes(notice.user.bytes)), ("json", .bytes(json)),
    ]
    return [Array("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".utf8)]
      + (fields + others).map { Array("QUOTA_\($0.key.uppercased())=".utf8) + $0.value.bytes }
  }

  /// All of it for programs that take JSON: a shell cannot escape a name.
  private var json: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.name(notice.user)
      for (key, value) in fields { json.field(key, value: value) }
    }
    return json.bytes
  }

  /// What both have to tell: keys of JSON, and, in capitals behind `QUOTA_`, names of variables.
  private var fields: [(key: String, value: FieldValue)] {
    let span = user.entitlement.span
    return [
      ("notice", .text(notice.kind.rawValue)), ("detail", .text(notice.detail)),
      ("text", .text(text)), ("at", .time(notice.at)), ("try", .number(notice.tries + 1)),
      ("used_bytes", .size(notice.used)), ("limit_bytes", .size(notice.limit)),
      ("period_start", span.start == 0 ? .empty : .time(span.start)),
      ("period_end", span.end == .max ? .empty : .time(span.end)),
      ("expires_at", user.entitlement.expiresAt.map { .time($0) } ?? .empty),
      ("page", page.map { .text($0) } ?? .empty),
    ]
  }

  private var page: String? {
    guard let pages, let token = user.pageToken else { return nil }
    return PageFolder.link(to: token, below: pages)
  }

  var text: String {
    switch notice.kind {
    case .usage:
      "\(user.name.forPeople) has used \(notice.detail)% of the traffic quota: "
        + "\(words.size(notice.used)) of \(words.quota(notice.limit))\(renewal)."
    case .expiry:
      "The account of \(user.name.forPeople) expires on "
        + "\(words.time(notice.period))."
    case .refused: "\(user.name.forPeople) was refused: \(reason)\(renewal)."
    case .slowed:
      "\(user.name.forPeople) has used up the traffic quota and goes on at \(notice.detail)"
        + "\(renewal)."
    case .killed: "\(user.name.forPeople) was disconnected: \(reason)\(renewal)."
    }
  }

  private var reason: String { Reason(rawValue: notice.detail)?.text ?? notice.detail }

  /// When usage starts over, where that bears on the matter.
  private var renewal: String {
    let isAboutUsage =
      [.usage, .slowed].contains(notice.kind) || notice.detail == Reason.quota.rawValue
    guard isAboutUsage, user.entitlement.span.end < .max else { return "" }
    return "; it starts over on \(words.time(user.entitlement.span.end))"
  }
}
