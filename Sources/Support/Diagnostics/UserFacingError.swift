import Glibc
import System

/// An error a person can act on: one line of what happened, perhaps one of what to do.
package protocol UserFacingError: Error {
  /// What happened: lower case, no full stop, the program's name not in it. Text that came from
  /// outside may be in it as it came; the code that prints it escapes it.
  var message: String { get }
  var hint: String? { get }
  var exitStatus: ExitStatus { get }
}

extension UserFacingError {
  package var hint: String? { nil }
}

/// The account that everything of ours belongs to.
package enum Account {
  package static let name = "openvpn-quota"
}

extension SystemError: UserFacingError {
  package var message: String { description }

  package var hint: String? {
    switch code {
    case EACCES, EPERM:
      Privileges.name(of: geteuid()) == Account.name
        ? "quota-admin check, run as root, says what keeps the user \(Account.name) out"
        : "run it as root, or as the user \(Account.name)"
    case ENOSPC, EDQUOT: "make room on the disk; nothing that was committed is lost"
    default: nil
    }
  }

  package var exitStatus: ExitStatus {
    code == EACCES || code == EPERM ? .permission : .inputOutput
  }
}

/// How a program of the suite ends, in the numbers of `sysexits.h`.
///
/// The hooks are the exception: `quota-connect` ends with 0 (in) or 1 (out), `quota-disconnect`
/// with 0 whatever happened.
package enum ExitStatus: Int32, Sendable {
  case done = 0
  /// `quota-admin check` found something to see to.
  case warningsFound = 1
  /// `quota-admin check` found something that does not work.
  case errorsFound = 2
  case usage = 64
  /// Data given to the program, or found in its database, is not what it should be.
  case badData = 65
  /// At least one configured server failed; the others were done.
  case unavailable = 69
  /// The program contradicted itself: a bug.
  case bug = 70
  case cannotCreate = 73
  case inputOutput = 74
  /// Another program holds the sweep lock, and nothing else.
  case locked = 75
  case permission = 77
  case configuration = 78
}

extension StateLock {
  /// Takes the right to sweep, and waits a little for a sweep that is under way.
  ///
  /// - Throws: `SystemError`, or `SweepUnderWay` when the time is up.
  package static func takeSweep(beside database: String, within time: Duration) throws -> StateLock
  {
    guard let lock = try attempt(.sweep, beside: database, patience: time) else {
      throw SweepUnderWay()
    }
    return lock
  }
}

/// Another program is sweeping now; the only reason for exit status 75.
package struct SweepUnderWay: UserFacingError {
  package init() {}

  package var message: String { "another sweep is under way" }
  package var hint: String? { "it takes a few seconds; try again, or leave it to the timer" }
  package var exitStatus: ExitStatus { .locked }
}

/// Finds the name that a mistyped one was meant to be.
package enum NearestName {
  /// The known name that takes the fewest letters changed, added or left out, case not counting, the first
  /// of several; nil if none is near: more than a third of its letters, or 3, would have to change.
  package static func of(_ name: [UInt8], among known: [String]) -> String? {
    var best: (name: String, distance: Int)?
    for candidate in known {
      let letters = Array(candidate.utf8)
      let most = min(3, max(1, letters.count / 3))
      // Longer or shorter by more than that is never near, and keeps hostile lengths cheap.
      guard abs(letters.count - name.count) <= most else { continue }
      let distance = distance(name, letters)
      if distance <= most, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// How many letters of two names have to be changed, added, left out or swapped with the next, in
  /// any case.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    let (left, right) = (left.map(lowered), right.map(lowered))
    var (before, row) = ([Int](), Array(0...right.count))
    for (above, letter) in left.enumerated() {
      var next = [above + 1]
      for (index, other) in right.enumerated() {
        var cost = min(row[index] + (letter == other ? 0 : 1), row[index + 1] + 1, next[index] + 1)
        if above > 0, index > 0, letter == right[index - 1], left[above - 1] == other {
          cost = min(cost, before[index - 1] + 1)
        }
        next.append(cost)
      }
      (before, row) = (row, next)
    }
    return row[right.count]
  }

  private static func lowered(_ byte: UInt8) -> UInt8 { 65...90 ~= byte ? byte + 32 : byte }
}
