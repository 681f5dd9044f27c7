import Foundation
import System
import TestSupport

/// A program that runs by itself, and what it took.
final class TimedProgram {
  /// What a program took from its start to its end, in milliseconds.
  struct Cost {
    /// By the clock.
    let wall: Double
    /// On the processor, in and for the program.
    let processor: Double
  }

  private let name: String
  private let start = Clock.monotonic
  private let child: pid_t
  private(set) var cost: Cost?

  /// Starts a program; what it complains of goes to standard error.
  init(_ command: [String], environment: [String: String] = [:]) throws {
    name = command[0]
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    let words = unsafe command.map { unsafe strdup($0) }
    let variables = unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") }
    defer { unsafe (words + variables).forEach { unsafe free($0) } }
    var child: pid_t = 0
    let code = unsafe posix_spawn(
      &child, command[0], &actions, nil, words + [nil], variables + [nil])
    guard code == 0 else { throw SystemError("start", command[0], code: code) }
    self.child = child
  }

  /// Whether it has ended; throws if it did not succeed.
  func hasEnded(waiting: Bool = false) throws -> Bool {
    if cost != nil { return true }
    var status: Int32 = 0
    var usage = rusage()
    let ended = unsafe wait4(child, &status, waiting ? 0 : WNOHANG, &usage)
    guard ended == child else { return false }
    let wall = Clock.monotonic - start
    guard status == 0 else {
      throw Gauge.Missing(description: "\(name) ended with wait status \(status)")
    }
    cost = Cost(
      wall: wall / .milliseconds(1),
      processor: usage.ru_utime.milliseconds + usage.ru_stime.milliseconds)
    return true
  }

  /// Runs a program to its end.
  static func run(_ command: [String], environment: [String: String] = [:]) throws -> Cost {
    let program = try TimedProgram(command, environment: environment)
    guard try program.hasEnded(waiting: true), let cost = program.cost else {
      throw SystemError("wait for", command[0])
    }
    return cost
  }
}

extension timeval {
  fileprivate var milliseconds: Double { Double(tv_sec) * 1000 + Double(tv_usec) / 1000 }
}

extension [Double] {
  /// The value that this share of all values is not above; 0.5 is the median.
  func quantile(_ share: Double) -> Double {
    let sorted = sorted()
    guard !sorted.isEmpty else { return .nan }
    return sorted[Swift.min(sorted.count - 1, Int(share * Double(sorted.count)))]
  }

  var median: Double { quantile(0.5) }
}
