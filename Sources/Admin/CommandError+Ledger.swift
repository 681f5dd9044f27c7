import Support
import Ledger
import SQLite
import Sweep

extension CommandError {
  /// Why the ledger could not do something.
  init(_ error: LedgerError) {
    switch error {
    case .noSuchUser(let name): self.init("there is no user \(name.forPeople)")
    case .userExists(let name):
      self.init(
        "there is a user \(name.forPeople) already",
        hint: "quota-admin set changes the quota of a user")
    case .schema, .noSuchPlan, .planExists, .planInUse, .noSuchGrant, .nothingToGrant,
      .contradiction:
      self.init(error.description, hint: error.hint)
    case .file(let trouble):
      self.init(error.description, hint: error.hint ?? trouble.hint, exitStatus: trouble.exitStatus)
    case .database(let trouble):
      let hint =
        trouble.kind == .busy
        ? "another program is writing to the database; nothing was changed, try again" : error.hint
      self.init(error.description, hint: hint, exitStatus: trouble.exitStatus)
    }
  }
}
