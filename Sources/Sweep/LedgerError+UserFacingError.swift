import Support
import Ledger
import SQLite

extension LedgerError: UserFacingError {
  package var message: String { description }

  package var exitStatus: ExitStatus {
    switch self {
    case .schema, .noSuchUser, .userExists, .noSuchPlan, .planExists, .planInUse, .noSuchGrant,
      .nothingToGrant, .contradiction, .unfenced, .damaged, .noLedger, .notEarlier:
      .badData
    case .changing: .inputOutput
    case .sameFile: .usage
    case .occupied: .cannotCreate
    case .database(let error): error.exitStatus
    case .file(let error): error.exitStatus
    }
  }
}

extension SQLiteError: UserFacingError {
  package var message: String { description }

  package var hint: String? { LedgerError.database(self).hint }

  package var exitStatus: ExitStatus {
    switch kind {
    case .busy, .unwritable: .inputOutput
    case .damaged: .badData
    case .missing: .cannotCreate
    case .forbidden: .permission
    case .constraint, .other: .bug
    }
  }
}
