import Glibc
import Ledger
import SQLite
import Support
import Sweep
import System

struct CommandError: UserFacingError {
  let message: String
  let hint: String?
  let exitStatus: Support.ExitStatus

  init(
    _ message: String, hint: String? = nil, exitStatus: Support.ExitStatus = .badData
  ) {
    self.message = message
    self.hint = hint
    self.exitStatus = exitStatus
  }

  init(_ error: LedgerError) {
    switch error {
    case .noSuchUser(let name): self.init("there is no user \(name.forPeople)")
    case .userExists(let name):
      self.init(
        "there is a user \(name.forPeople) already",
        hint: "quota-admin set changes the quota of a user")
    case .file(let trouble):
      self.init(error.message, hint: error.hint ?? trouble.hint, exitStatus: error.exitStatus)
    case .database(let trouble) where trouble.kind == .busy:
      self.init(
        error.message,
        hint: "another program is writing to the database; nothing was changed, try again",
        exitStatus: error.exitStatus)
    default: self.init(error.message, hint: error.hint, exitStatus: error.exitStatus)
    }
  }

  init(unpublished error: LedgerError) {
    self.init(
      "what was changed is kept, and cannot be published: \(error.message)",
      hint: "the next sweep publishes it; until then users connect by what held before",
      exitStatus: error.exitStatus)
  }

  /// Why the ledger could not be opened. SQLite says no more than that it was unable to, so it is
  /// tried once more without SQLite.
  init(_ error: LedgerError, opening path: String) {
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

  /// What is wrong with a value, 65: `NAME is "ARGUMENT"; allowed are …`.
  static func wrong(_ name: String, _ argument: String, _ allowed: String) -> CommandError {
    CommandError("\(name) is \(quoted(argument)); \(allowed)")
  }

  /// What was typed, in quotes, escaped, and cut where it is very long.
  static func quoted(_ argument: String) -> String {
    quoted(bytes: RawArguments.bytes(of: argument))
  }

  static func quoted(bytes: [UInt8]) -> String {
    let shown = bytes.count > 60 ? bytes.prefix(60) + Array("...".utf8) : bytes
    return "\"\(String(decoding: Escaping.plain(Array(shown)), as: UTF8.self))\""
  }

  /// The hint for a name that is not known: the nearest that is; nil where none is near.
  static func didYouMean(_ name: [UInt8], among known: [String]) -> String? {
    NearestName.of(name, among: known).map { "did you mean \($0)?" }
  }
}
