import Support
import Ledger
import Sweep

extension CopyError: UserFacingError {
  package var message: String { description }

  package var exitStatus: Support.ExitStatus {
    switch self {
    case .database(let error): error.exitStatus
    case .file(let error): error.exitStatus
    case .damaged, .noLedger, .notEarlier, .newer: .badData
    case .changing: .inputOutput
    case .sameFile: .usage
    case .occupied: .cannotCreate
    }
  }
}
