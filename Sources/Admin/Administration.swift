import Gate
import Glibc
import Support
import Ledger
import System
import Quota
import SQLite
import Sweep

/// The open ledger with the settings it goes by: what every command works on.
struct Administration {
  let ledger: Ledger
  let settings: Settings

  /// Loads the settings and opens the ledger, which is created if it is not there and brought up
  /// to date if it is old.
  ///
  /// - Throws: `SettingsError` or `CommandError`.
  init(_ options: CommonOptions) throws { try self.init(options.settings()) }

  /// Opens the ledger that the settings name.
  ///
  /// - Throws: `CommandError`.
  init(_ settings: Settings) throws {
    self.settings = settings
    do {
      ledger = try Ledger.open(
        settings.database, for: .writing, rules: settings.rules, zone: settings.zone)
    } catch {
      throw CommandError(error, opening: settings.database)
    }
  }

  /// Changes the ledger, and publishes what users may do from then on.
  ///
  /// - Throws: `CommandError`; for an unknown user with the name that was probably meant.
  func work<Result>(_ body: (Ledger) throws(LedgerError) -> Result) throws(CommandError) -> Result {
    do {
      let result = try body(ledger)
      try publish()
      return result
    } catch .noSuchUser(let name) {
      throw unknown(name)
    } catch {
      throw CommandError(error)
    }
  }

  /// Publishes the access table, if the one that is there says anything else than the ledger.
  func publish() throws(LedgerError) { try ledger.publishAccess(settings.access, at: .now) }

  /// Reads the ledger.
  func read<Result>(_ body: (Ledger) throws(SQLiteError) -> Result) throws(CommandError) -> Result {
    do { return try body(ledger) } catch { throw CommandError(.database(error)) }
  }

  /// A user at a moment.
  ///
  /// - Throws: `CommandError`; for an unknown user with the name that was probably meant.
  func user(named name: UserName, at time: Int64) throws(CommandError) -> UserRecord {
    let found = try read { ledger throws(SQLiteError) in try ledger.user(named: name, at: time) }
    guard let found else { throw unknown(name) }
    return found
  }

  /// A plan.
  ///
  /// - Throws: `CommandError`; for an unknown one with the name that was probably meant.
  func plan(named name: String) throws(CommandError) -> Plan {
    let plans = try read { ledger throws(SQLiteError) in try ledger.plans() }
    if let plan = plans.first(where: { $0.name == name }) { return plan }
    let names = plans.map(\.name)
    let nearest = NearestName.of(Array(name.utf8), among: names).map { "did you mean \($0)?" }
    let known =
      names.isEmpty
      ? "quota-admin plan add adds one" : "known are: \(names.joined(separator: ", "))"
    throw CommandError("there is no plan \(CommandError.quoted(name))", hint: nearest ?? known)
  }

  /// What to say of a name that no user has.
  func unknown(_ name: UserName, hint: String? = nil) -> CommandError {
    let known = (try? ledger.userNames().filter(\.isText).map(\.description)) ?? []
    let nearest = NearestName.of(name.bytes, among: known).map { "did you mean \($0)?" }
    return CommandError(
      "there is no user \(name.forPeople)",
      hint: nearest ?? hint ?? "quota-admin list shows all users, and quota-admin add adds one")
  }
}

extension CommandError {
  /// Why the ledger could not be opened. SQLite says no more than that it was unable to, so it is
  /// tried once more without SQLite.
  fileprivate init(_ error: LedgerError, opening path: String) {
    if case .file(let trouble) = error, trouble.exitStatus != .permission {
      let isMissing = trouble.code == ENOENT
      self.init(
        isMissing
          ? "cannot create \(path): there is no directory \(trouble.subject)" : trouble.message,
        hint: error.hint, exitStatus: .cannotCreate)
      return
    }
    guard case .database(let trouble) = error, trouble.kind == .missing else {
      self.init(error)
      return
    }
    do throws(SystemError) {
      _ = try Descriptor.open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
      self.init(error)
    } catch {
      let status = error.exitStatus == .permission ? .permission : ExitStatus.cannotCreate
      self.init(error.message, hint: error.hint, exitStatus: status)
    }
  }
}
