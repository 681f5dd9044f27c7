import Admin
import Glibc
import Ledger
import Quota
import Support
import Sweep
import Sync
import System

/// The command `quota-sync`.
struct SyncCommand {
  private let options: SyncOptions
  private let settings: Settings
  private let diagnostics: DiagnosticPrinter
  private let log: Log

  /// How long a person, or quota-admin, waits for another quota-sync.
  private static let lockPatience = Duration.seconds(30)

  /// Does what the command line says.
  ///
  /// - Returns: how the program ends.
  /// - Throws: an `UserFacingError` error for what kept it from that.
  static func run(_ options: SyncOptions, _ diagnostics: DiagnosticPrinter) throws
    -> Support.ExitStatus
  {
    let settings = try diagnostics.settings(config: options.config).lookingAtFence
    try SyncCommand(options, settings, diagnostics).perform()
    return .done
  }

  private init(
    _ options: SyncOptions, _ settings: Settings, _ diagnostics: DiagnosticPrinter
  ) {
    self.options = options
    self.settings = settings
    self.diagnostics = diagnostics
    log = Log(diagnostics, settings)
    log.isEchoed = false
  }

  private func perform() throws {
    // What follows is done as the account, whose password file libpq reads.
    _ = try StateDirectory(of: settings.database)
    switch try options.action() {
    case .makeTables: try makeTables()
    case .hosts: try listHosts()
    case .forget(let host): try forget(host)
    case .join where options.dryRun: try preview()
    case .join:
      let name = try options.host ?? Self.hostName()
      let outcome = try locked { try $0.join(as: name) }
      log.record(.info, "joined", ["host": .text(name), "facts": .number(Int64(outcome.facts))])
      print("this host is \(name) in the centre now: \(text(outcome))")
    case .leave:
      try locked { try $0.leave(alone: options.alone) }
      log.record(.info, "left")
      print("this host is one by itself again")
    case .change:
      let facts = try readLines("change", SharedFact.init(line:))
      do {
        try locked { try $0.change(facts) { try Self.say("changed") } }
      } catch SyncError.unknownCommit(let error) {
        try Self.say("unknown")
        throw SyncError.unknownCommit(error)
      }
      log.record(.info, "changed", ["facts": .number(Int64(facts.count))])
    case .usage: try answer()
    case .run:
      let outcome = try locked(patience: options.verbose ? Self.lockPatience : .zero) {
        try $0.run()
      }
      if options.verbose { print(text(outcome)) }
    }
  }

  /// Tells quota-admin, at once, what became of a change; with neither word nothing was changed.
  private static func say(_ word: String) throws(SystemError) {
    try Descriptor.standardOutput.write(Array("\(word)\n".utf8).span, to: "standard output")
  }

  // MARK: What concerns the ledger

  /// Runs a body while no other quota-sync runs, and publishes what came of it.
  private func locked<Result>(
    patience: Duration = lockPatience, _ body: (HostSync) throws -> Result
  ) throws -> Result {
    guard
      let lock = try StateLock.attempt(.sync, beside: settings.database, patience: patience)
    else { throw SyncError.underWay }
    let ledger = try Ledger.open(settings, log)
    let result = Swift.Result { try body(sync(ledger)) }
    // What was taken in before something failed holds, too.
    try ledger.accessTable.publish(settings.access, at: .now)
    _ = consume lock
    return try result.get()
  }

  private func sync(_ ledger: Ledger) -> HostSync {
    HostSync(ledger, settings, machine: Self.machine) { message, hint in
      log.warn(message, hint: hint)
    }
  }

  private func preview() throws {
    let preview = try sync(Ledger.open(settings, log)).preview()
    print(
      """
      users of this host that the centre knows, whose terms there would hold here: \(preview.known)
      users and plans of this host that the centre would get: \(preview.users) and \(preview.plans)
      users, plans and grants of the centre that this host would get: \(preview.facts)
      """)
  }

  /// Reads what each line of standard input says.
  ///
  /// - Parameter what: what each is, for the error.
  private func readLines<Value>(_ what: String, _ value: ([UInt8]) -> Value?) throws -> [Value] {
    let input = try Descriptor.standardInput.readToEnd(of: "standard input", limit: 1 << 30)
    // A line feed stands in no JSON text.
    let lines = input.split(separator: UInt8(ascii: "\n"))
    var values: [Value] = []
    values.reserveCapacity(lines.count)
    for (index, line) in lines.enumerated() {
      guard let value = value(Array(line)) else { throw SyncError.badLine(index + 1, isNo: what) }
      values.append(value)
    }
    return values
  }

  private func text(_ outcome: HostSync.Outcome) -> String {
    "told usage of \(outcome.told) users and \(outcome.offered) facts, took in usage of "
      + "\(outcome.heard) users and \(outcome.facts) facts"
  }

  // MARK: What concerns the centre only

  private func centre() throws -> Centre {
    try Centre(settings.sync, patience: Centre.patience)
  }

  private func answer() throws {
    let questions = try readLines("question", UsageQuestion.init(line:))
    let centre = try centre()
    _ = try centre.rules()
    let lines = try centre.answers(to: questions).flatMap(\.line)
    try Descriptor.standardOutput.write(lines.span, to: "standard output")
  }

  private func makeTables() throws {
    let isNew = try centre().create(settings.commonRules(), for: options.grant)
    print(isNew ? "the tables are made" : "the tables are there already")
  }

  private func listHosts() throws {
    let centre = try centre()
    _ = try centre.rules()
    let hosts = Listing("hosts", try centre.hosts(), Self.columns)
    let text = options.json ? hosts.json : hosts.table(Words(settings))
    try Descriptor.standardOutput.write(text.span, to: "standard output")
  }

  private static var columns: [Column<KnownHost>] {
    [
      .text("HOST", key: "host") { $0.host },
      .text("HEARD") { $0.hasLeft ? "left" : "\($0.age) s ago" },
      .number(key: "age") { $0.age },
      .text("CLOCK") { host in
        host.clockAhead == 0
          ? "" : "\(host.clockAhead.magnitude) s \(host.clockAhead > 0 ? "ahead" : "behind")"
      },
      .number(key: "clock_ahead") { $0.clockAhead },
      .flag(key: "left") { $0.hasLeft },
    ]
  }

  private func forget(_ host: String) throws {
    guard try centre().remove(host) else { throw SyncError.noSuchHost(host) }
    print("the sessions of \(Escaping.plain(host)) are over, and its usage stays")
  }

  // MARK: This machine

  private static func hostName() throws(SystemError) -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard unsafe gethostname(&name, name.count - 1) == 0 else {
      throw SystemError("find", "the name of this host")
    }
    return String(
      decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// What tells this machine from another one that has a copy of its disk.
  private static var machine: String {
    let id = (try? contents(ofFile: "/etc/machine-id", limit: 256)) ?? []
    return String(decoding: id.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}
