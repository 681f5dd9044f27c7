import Foundation

/// How long a program waited for locks, in milliseconds.
package struct LockWait: Sendable {
  /// As it asked the system to.
  package var asked = 0.0
  /// By the clock, which on a busy machine runs on for longer.
  package var elapsed = 0.0

  /// Runs a hook, which has to succeed in silence, and says how long it waited.
  ///
  /// Whoever finds SQLite's lock taken sleeps and tries again: nothing else here sleeps. A lock that
  /// is waited for in the kernel would be a call of `flock` or `fcntl` that takes long, and is an
  /// error here.
  ///
  /// - Parameter environment: the hook's whole environment.
  package static func of(_ command: [String], environment: [String: String]) throws -> LockWait {
    let folder = try TemporaryDirectory()
    let trace = folder.path + "/trace"
    let calls = "trace=clock_nanosleep,nanosleep,flock,fcntl"
    let outcome = try Program.run(
      "/usr/bin/strace", ["-f", "-T", "-e", calls, "-o", trace] + command,
      environment: environment)
    guard outcome.status == 0, outcome.errors.isEmpty else {
      throw Gauge.Missing(description: "\(command[0]): \(outcome.errors)")
    }
    let lines = try String(contentsOfFile: trace, encoding: .utf8)
    guard lines.contains("+++ exited with 0 +++"), !lines.contains("F_SETLKW") else {
      throw Gauge.Missing(description: "\(command[0]) waits for a lock in the kernel:\n\(lines)")
    }
    return LockWait(trace: lines)
  }

  private init(trace: String) {
    for line in trace.split(separator: "\n") {
      guard let match = line.firstMatch(of: /nanosleep.*?tv_sec=(\d+), tv_nsec=(\d+).*<([\d.]+)>$/),
        let seconds = Double(match.1), let nanoseconds = Double(match.2),
        let elapsed = Double(match.3)
      else { continue }
      asked += seconds * 1000 + nanoseconds / 1_000_000
      self.elapsed += elapsed * 1000
    }
  }
}
