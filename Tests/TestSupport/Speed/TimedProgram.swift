import Foundation
import System

/// What a program takes that runs by itself.
package enum TimedProgram {
  /// From its start to its end, in milliseconds.
  package struct Cost {
    /// By the clock.
    package let wall: Double
    /// On the processor, in and for the program.
    package let processor: Double
  }

  /// Runs a program to its end; what it complains of goes to standard error.
  ///
  /// - Throws: `Gauge.Missing` if it does not succeed.
  package static func run(
    _ command: [String], environment: [String: String] = [:]
  ) throws -> Cost {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    let words = unsafe command.map { unsafe strdup($0) }
    let variables = unsafe environment.map { unsafe strdup("\($0.key)=\($0.value)") }
    defer { unsafe (words + variables).forEach { unsafe free($0) } }
    let (arguments, environment) = unsafe (words + [nil], variables + [nil])
    var child: pid_t = 0
    let start = Clock.monotonic
    let code = unsafe posix_spawn(&child, command[0], &actions, nil, arguments, environment)
    guard code == 0 else { throw SystemError("start", command[0], code: code) }
    var status: Int32 = 0
    var usage = rusage()
    guard unsafe wait4(child, &status, 0, &usage) == child else {
      throw SystemError("wait for", command[0])
    }
    let wall = Clock.monotonic - start
    guard status == 0 else {
      throw Gauge.Missing(description: "\(command[0]) ended with wait status \(status)")
    }
    return Cost(
      wall: wall / .milliseconds(1),
      processor: usage.ru_utime.milliseconds + usage.ru_stime.milliseconds)
  }
}

extension [TimedProgram.Cost] {
  /// The median of each.
  package var median: TimedProgram.Cost {
    func middle(_ values: [Double]) -> Double { isEmpty ? .nan : values.sorted()[count / 2] }
    return TimedProgram.Cost(wall: middle(map(\.wall)), processor: middle(map(\.processor)))
  }

  /// The least of each, for what else the machine does only adds.
  package var least: TimedProgram.Cost {
    TimedProgram.Cost(
      wall: map(\.wall).min() ?? .nan, processor: map(\.processor).min() ?? .nan)
  }
}

extension timeval {
  fileprivate var milliseconds: Double { Double(tv_sec) * 1000 + Double(tv_usec) / 1000 }
}
