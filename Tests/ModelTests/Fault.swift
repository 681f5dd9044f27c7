import TestSupport

/// What goes wrong for one run of a program.
enum Fault: Equatable {
  case none
  /// Somebody else writes to the database.
  case locked
  /// The database is not there for a moment.
  case gone
  /// The disk has no room for a record in the spool.
  case spoolFull
  /// Neither place can be written.
  case nowhere
  /// The program is killed at one of its steps.
  case killed(step: Int)
  /// The program is killed in the midst of the database's work, at one of its calls to the disk.
  case dies(call: Int)
  /// The disk has no room for the database from one write on.
  case full(write: Int)
}

extension Fault {
  /// A sweep's luck.
  static func ofSweep(_ chance: inout Chance) -> Fault {
    switch Int.random(in: 0..<20, using: &chance) {
    case 0: .killed(step: Int.random(in: 0..<12, using: &chance))
    case 1: .dies(call: Int.random(in: 1..<150, using: &chance))
    case 2: .full(write: Int.random(in: 1..<40, using: &chance))
    default: .none
    }
  }

  /// A hook's luck.
  static func any(_ chance: inout Chance) -> Fault {
    switch Int.random(in: 0..<60, using: &chance) {
    case 0: .locked
    case 1, 2: .gone
    case 3, 4: .spoolFull
    case 5: .nowhere
    case 6, 7: .killed(step: Int.random(in: 0..<6, using: &chance))
    case 8, 9: .dies(call: Int.random(in: 1..<60, using: &chance))
    case 10: .full(write: Int.random(in: 1..<12, using: &chance))
    default: .none
    }
  }

  /// Whether a record for the spool surely gets there.
  var leavesRecord: Bool {
    switch self {
    case .none, .locked, .gone, .full: true
    case .spoolFull, .nowhere, .killed, .dies: false
    }
  }

  var isKill: Bool {
    switch self {
    case .killed, .dies: true
    case .none, .locked, .gone, .spoolFull, .nowhere, .full: false
    }
  }

  /// Whether everybody meets it.
  var isOfTheDisk: Bool {
    switch self {
    case .none, .killed: false
    case .locked, .gone, .spoolFull, .nowhere, .dies, .full: true
    }
  }

  var words: String {
    switch self {
    case .none: ""
    case .locked: ", while somebody else writes to the database"
    case .gone: ", while the database is not there"
    case .spoolFull: ", while the spool is full"
    case .nowhere: ", while nothing can be read or written"
    case .killed(let step): ", and is killed at step \(step)"
    case .dies(let call): ", and is killed at call \(call) to the disk"
    case .full(let write): ", with no room on the disk from write \(write) on"
    }
  }
}
