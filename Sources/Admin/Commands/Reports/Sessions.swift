import ArgumentParser
import Glibc
import Ledger
import Quota
import Support
import Sweep
import System

struct Sessions: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show who is on now, and how fast.",
    discussion: "Example: quota-admin sessions --watch")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions
  @Flag(help: "Show it anew every two seconds, until Ctrl-C.")
  var watch = false

  func validate() throws {
    if watch, output.json { throw ValidationError("Only one of --watch and --json makes sense.") }
  }

  func run() throws {
    let administration = try Administration(options)
    if watch { return try watch(administration) }
    let view = try LiveView.take(administration.settings, administration.ledger)
    let sessions = try LiveSessions(view, administration)
    try StandardOutput.write(output.json ? sessions.json : sessions.text())
    if view.sessions.isEmpty, !output.json {
      AdminProgram.diagnostics.notice(
        "nobody is connected",
        hint: view.servers.isEmpty
          ? "no OpenVPN server is known; quota-admin check says what is missing" : nil)
    }
  }

  /// Every view is asked for over connections of its own: in between nobody is kept waiting.
  private func watch(_ administration: Administration) throws {
    guard Terminal.isOutput else {
      throw CommandError("--watch needs a terminal", exitStatus: .usage)
    }
    var earlier: (view: LiveView, at: Duration)?
    while true {
      let now = Clock.monotonic
      var view = try LiveView.take(administration.settings, administration.ledger)
      if let earlier { view = view.since(earlier.view, now - earlier.at) }
      let text = try LiveSessions(view, administration).text(height: Terminal.height)
      try StandardOutput.write(Sessions.frame(text))
      earlier = (view, now)
      sleep(2)
    }
  }

  /// A screen full of text: from the top, each line to its end, and nothing below.
  private static func frame(_ text: [UInt8]) -> [UInt8] {
    var frame = Array("\u{1B}[H".utf8)
    for byte in text {
      if byte == UInt8(ascii: "\n") { frame += "\u{1B}[K".utf8 }
      frame.append(byte)
    }
    return frame + "\u{1B}[J".utf8
  }
}

/// A view of who is on, with what people and programs want to know of each session's owner.
private struct LiveSessions {
  private let view: LiveView
  /// The owners who are known, with what no sweep has counted yet.
  private let owners: [UserName: UserRecord]
  private let words: Words

  init(_ view: LiveView, _ administration: Administration) throws {
    self.view = view
    words = administration.words
    var owners: [UserName: UserRecord] = [:]
    for session in view.sessions {
      if owners[session.owner] == nil {
        owners[session.owner] = try administration.find(session.owner)
      }
      owners[session.owner]?.entitlement.used += session.uncounted
    }
    self.owners = owners
  }

  /// The view for people.
  ///
  /// - Parameter height: the lines it may have; nil for as many as it likes.
  func text(height: Int? = nil) -> [UInt8] {
    let notes = notes
    let room = height.map { max(1, $0 - notes.count - 3) } ?? .max
    var text = Listing("sessions", Array(view.sessions.prefix(room)), columns).table(words)
    let left = view.sessions.count - room
    if left > 0 { text += "and \(Words.sessions(left)) more\n".utf8 }
    return text + notes.map { $0 + "\n" }.joined().utf8
  }

  /// The view for programs; quota-admin(8) describes it.
  var json: [UInt8] {
    JSONWriter.document { json in
      json.field("at", isoTime(view.at))
      json.list("sessions", view.sessions, columns)
      json.list(
        "servers", view.servers,
        [
          .text(key: "name") { $0.name },
          .text(key: "source") { $0.source.rawValue },
          .text(key: "trouble") { $0.trouble },
        ])
    }
  }

  private var columns: [Column<LiveRow>] {
    let (owners, rules) = (owners, words.rules)
    let words = words
    return [
      .text("USER") { $0.owner.forPeople },
      .user { FormerName($0.owner)?.name ?? $0.owner },
      .part(OpenSession.columns) { $0.session },
      .text(.number("RATE")) { $0.rate.map { words.size($0.total) + "/s" } },
      .size(key: "received_per_second") { $0.rate?.received },
      .size(key: "sent_per_second") { $0.rate?.sent },
      .text(.number("SHARE")) { owners[$0.owner]?.percentage(by: rules) },
      .size(key: "bytes_used") { owners[$0.owner]?.used(by: rules) },
      .size(key: "quota_bytes") { owners[$0.owner]?.entitlement.quota },
      .flag(key: "live") { $0.isLive },
      .time(key: "as_of") { $0.at },
    ]
  }

  /// What is not as of now, and why.
  private var notes: [String] {
    view.servers.compactMap { server in
      switch server.source {
      case .live: server.trouble.map { "\(server.name): \($0)" }
      case .down: "\(server.name) is not running"
      case .ledger:
        "\(server.name) is shown as \(age(server.name)): \(server.trouble ?? "it did not answer")"
      }
    }.map(Escaping.plain)
  }

  private func age(_ server: String) -> String {
    let seen = view.sessions.first { $0.session.server == server && !$0.isLive }?.at
    return seen.map { "the last sweep saw it \(max(0, view.at - $0)) s ago" }
      ?? "the ledger has it"
  }
}
