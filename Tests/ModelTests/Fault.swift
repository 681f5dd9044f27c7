import TestSupport

/// What goes wrong for one run of a program.
enum Fault: Equatable {
  case none
  /// The access table cannot be read for a moment.
  case tableGone
  /// There is no journal for a moment.
  case journalGone
  /// A hook's record is not whole: the power or the disk's room went while it was written.
  case torn
  /// The program is killed at one of its steps.
  case killed(step: Int)
  /// The program is killed in the midst of the database's work, at one of its calls to the disk.
  case dies(call: Int)
  /// The disk has no room for the database from one write on.
  case full(write: Int)
}

extension Fault {
  /// A sweep's luck.
  static func ofSweep(_ chance: inout SeededRandom) -> Fault {
    switch Int.random(in: 0..<20, using: &chance) {
    case 0: .killed(step: Int.random(in: 0..<12, using: &chance))
    case 1: .dies(call: Int.random(in: 1..<150, using: &chance))
    case 2: .full(write: Int.random(in: 1..<40, using: &chance))
    default: .none
    }
  }

  /// A hook's luck.
  static func ofHook(_ chance: inout SeededRandom) -> Fault {
    switch Int.random(in: 0..<40, using: &chance) {
    case 0: .journalGone
    case 1, 2: .tableGone
    case 3: .torn
    case 4, 5: .killed(step: Int.random(in: 0..<6, using: &chance))
    default: .none
    }
  }

  /// Whether a hook's record surely gets into the journal.
  var leavesRecord: Bool {
    switch self {
    case .none, .tableGone, .dies, .full: true
    case .journalGone, .torn, .killed: false
    }
  }

  /// Whether the program dies before anybody hears of its answer.
  var isKill: Bool {
    switch self {
    case .killed, .dies, .torn: true
    case .none, .tableGone, .journalGone, .full: false
    }
  }

  var words: String {
    switch self {
    case .none: ""
    case .tableGone: ", while the access table cannot be read"
    case .journalGone: ", while there is no journal"
    case .torn: ", and dies with its record half written"
    case .killed(let step): ", and is killed at step \(step)"
    case .dies(let call): ", and is killed at call \(call) to the disk"
    case .full(let write): ", with no room on the disk from write \(write) on"
    }
  }
}
