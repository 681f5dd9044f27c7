import Gate
import Glibc
import Ledger
import Quota
import Support
import Sweep
import System

/// The open ledger with the settings it goes by: what every command works on.
struct Administration {
  let ledger: Ledger
  let settings: Settings
  let sync: SyncProgram

  var words: Words { Words(settings, isUnheard: ledger.rules.isUnheard) }

  /// Loads the settings and opens the ledger, which is created if it is not there and brought up
  /// to date if it is old.
  ///
  /// - Throws: `SettingsError` or `CommandError`.
  init(_ options: CommonOptions) throws {
    try self.init(options.settings(), config: options.path)
  }

  /// - Parameter config: the file that the settings are from, where that is not the default.
  /// - Throws: `CommandError`.
  init(_ settings: Settings, config: String? = nil) throws {
    self.settings = settings.lookingAtFence
    sync = SyncProgram(config: config)
    let log = Log(AdminProgram.diagnostics, settings)
    // A terminal is for what was asked.
    log.isEchoed = false
    do { ledger = try Ledger.open(self.settings, log) } catch {
      throw CommandError(error, opening: settings.database)
    }
  }

  /// Changes the ledger, and publishes what users may do from then on. Where the users are those of
  /// several hosts, the centre is changed first, and this ledger by what comes from there.
  ///
  /// - Throws: `LedgerError`; `CommandError` for an unknown user, with the name that was probably meant,
  ///   and for a change that is kept and could not be published.
  func change<Result>(_ body: (Ledger) throws -> Result) throws -> Result {
    do {
      if try ledger.hosts.membership() != nil { return try changeCentre(body) }
      let result = try body(ledger)
      try publish()
      return result
    } catch LedgerError.noSuchUser(let name) {
      throw unknown(name)
    }
  }

  /// Finds out in a dry run what a change comes to, and hands that over to the centre.
  private func changeCentre<Result>(_ body: (Ledger) throws -> Result) throws -> Result {
    // The centre can only change whom it knows.
    if try ledger.hosts.hasNews() { try sync.synchronize() }
    let (result, facts) = try ledger.dryRun {
      (try body(ledger), try ledger.hosts.changedFacts())
    }
    if !facts.isEmpty { try sync.change(facts) }
    return result
  }

  func changeEach<Result>(
    _ names: [UserName], _ body: (Ledger, UserName) throws -> Result
  ) throws -> [Result] {
    try change { ledger in
      try ledger.transaction { try names.map { try body(ledger, $0) } }
    }
  }

  /// Publishes the access table, if the one that is there says anything else than the ledger.
  func publish() throws(CommandError) {
    do { try ledger.accessTable.publish(settings.access, at: .now) } catch {
      throw CommandError(unpublished: error)
    }
  }

  func find(_ name: UserName) throws -> UserRecord? { try ledger.users.named(name, at: Clock.now) }

  /// - Throws: `CommandError` for an unknown user, with the name that was probably meant.
  @discardableResult
  func user(_ name: UserName) throws -> UserRecord {
    guard let user = try find(name) else { throw unknown(name) }
    return user
  }

  /// - Throws: `CommandError` for an unknown plan, with the name that was probably meant.
  func plan(named name: String) throws -> Plan {
    let plans = try ledger.plans.all()
    if let plan = plans.first(where: { $0.name == name }) { return plan }
    let names = plans.map(\.name)
    let known =
      names.isEmpty
      ? "quota-admin plan add adds one" : "known are: \(names.joined(separator: ", "))"
    throw CommandError(
      "there is no plan \(CommandError.quoted(name))",
      hint: CommandError.didYouMean(Array(name.utf8), among: names) ?? known)
  }

  func unknown(_ name: UserName, hint: String? = nil) -> CommandError {
    let known = (try? ledger.users.names().map(\.forPeople)) ?? []
    return CommandError(
      "there is no user \(name.forPeople)",
      hint: CommandError.didYouMean(Array(name.forPeople.utf8), among: known) ?? hint
        ?? "quota-admin list shows all users, and quota-admin add adds one")
  }
}

/// `quota-sync`, which knows how to reach the centre of hosts that share their users: quota-admin needs
/// no library of PostgreSQL's.
struct SyncProgram {
  /// The argument of `--config`, nil for the default.
  let config: String?

  /// Runs it once, so that the centre knows whom this host knows.
  func synchronize() throws { try run([], input: []) }

  /// Changes facts in the centre, and takes them in from there: all of them or none.
  ///
  /// - Throws: `CommandError` where they were not changed.
  func change(_ facts: [SharedFact]) throws { try run(["--change"], input: facts.flatMap(\.line)) }

  /// Asks the centre what was moved on all hosts.
  ///
  /// - Returns: the whole answer.
  /// - Throws: `CommandError` where there is none.
  func ask(_ questions: [UsageQuestion]) throws -> [UsageAnswer] {
    let output = try Descriptor.memory()
    let errors = try Descriptor.memory()
    let status = try start(
      ["--usage"], input: questions.flatMap(\.line), output: output, errors: errors,
      failing: "the other hosts cannot be asked")
    if status != 0 { throw try SyncProgram.failure(status, said: errors) }
    try output.rewind()
    return try output.readToEnd(of: "quota-sync", limit: 1 << 30)
      .split(separator: UInt8(ascii: "\n")).map { line in
        guard let answer = UsageAnswer(line: Array(line)) else {
          throw CommandError(
            "quota-sync says what this quota-admin does not understand",
            hint: "install openvpn-quota-sync in the version of openvpn-quota",
            exitStatus: .unavailable)
        }
        return answer
      }
  }

  /// What quota-sync said of why it failed, in one error of ours.
  private static func failure(
    _ status: Int32, said errors: borrowing Descriptor
  ) throws -> CommandError {
    try errors.rewind()
    let lines = String(decoding: try errors.readToEnd(of: "quota-sync"), as: UTF8.self)
      .split(separator: "\n")
    func text(_ start: String) -> String? {
      lines.first { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
    }
    let reason = text("quota-sync: error: ") ?? "quota-sync ended with status \(status)"
    return CommandError(
      "the other hosts cannot be asked: \(reason)", hint: text("quota-sync: hint: "),
      exitStatus: ExitStatus(rawValue: status) ?? .unavailable)
  }

  private func run(_ arguments: [String], input: [UInt8]) throws {
    let answer = try Descriptor.memory()
    let status = try start(
      arguments, input: input, output: answer, errors: .standardError,
      failing: "nothing was changed")
    if status == 0 { return }
    try answer.rewind()
    throw failure(status, saying: try answer.readToEnd(of: "what quota-sync said"))
  }

  /// What became of the change; why, quota-sync has told on standard error.
  private func failure(_ status: Int32, saying word: [UInt8]) -> CommandError {
    let known = ExitStatus(rawValue: status)
    if word == Array("changed\n".utf8) {
      return CommandError(
        "it is changed in the centre of the hosts, and not on this host yet",
        hint: "quota-sync --verbose takes it in", exitStatus: known ?? .inputOutput)
    }
    // One that was killed may have been about to say so.
    if known == nil || !word.isEmpty {
      return CommandError(
        "whether it was changed is not known: the centre was lost meanwhile",
        hint: "look at it once quota-sync has run again", exitStatus: known ?? .inputOutput)
    }
    return CommandError(
      "nothing was changed in the centre of the hosts", exitStatus: known ?? .inputOutput)
  }

  /// - Parameter what: what it means where it cannot be run.
  /// - Returns: its exit status.
  private func start(
    _ arguments: [String], input: [UInt8], output: borrowing Descriptor,
    errors: borrowing Descriptor, failing what: String
  ) throws -> Int32 {
    let file = try Descriptor.memory(input)
    let command = [SyncProgram.path] + arguments + (config.map { ["--config", $0] } ?? [])
    do {
      return try System.run(command, input: file, output: output, errors: errors)
    } catch {
      throw CommandError(
        "\(what): \(error)",
        hint: "this host shares its users with others, which takes the package openvpn-quota-sync",
        exitStatus: .unavailable)
    }
  }

  /// Where quota-admin is, or, where that was found in `PATH`, there too.
  private static var path: String {
    let own = CommandLine.arguments[0]
    return own.contains("/") ? "\(directory(of: own))/quota-sync" : "quota-sync"
  }
}
