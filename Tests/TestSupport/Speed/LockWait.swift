import Foundation

extension Figures {
  /// Adds how many hooks ran, and how long they waited for locks.
  package func add(_ hooks: String, _ waits: [LockWait]) {
    add(hooks, waits.count)
    add("of them waited for a lock", waits.count { $0.asked > 0 })
    add("of them waited in vain", waits.count { $0.asked >= 20 })
    add("longest wait for locks, ms", ratio: waits.map(\.asked).max() ?? 0, atMost: 30)
    add("the same by the clock, ms", ratio: waits.map(\.elapsed).max() ?? 0)
  }
}

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
    let traced = tracing(into: folder.path) + command
    let outcome = try Program.run(
      traced[0], Array(traced.dropFirst()), environment: environment)
    guard outcome.status == 0, outcome.errors.isEmpty, let wait = try all(in: folder.path).first
    else { throw Gauge.Missing(description: "\(command[0]): \(outcome.errors)") }
    return wait
  }

  /// The words to put before the command line of a hook that somebody else starts.
  ///
  /// - Parameter folder: where each hook leaves what `all` reads.
  package static func tracing(into folder: String) -> [String] {
    let calls = "trace=clock_nanosleep,nanosleep,flock,fcntl"
    return ["/usr/bin/strace", "-ff", "-T", "-e", calls, "-o", folder + "/hook"]
  }

  /// How long each hook waited that was started so; each has to have ended with 0.
  package static func all(in folder: String) throws -> [LockWait] {
    try FileManager.default.contentsOfDirectory(atPath: folder).map { name in
      let trace = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
      guard trace.contains("+++ exited with 0 +++"), !trace.contains("F_SETLKW") else {
        throw Gauge.Missing(
          description: "a hook waits for a lock in the kernel, or fails:\n\(trace)")
      }
      return LockWait(trace: trace)
    }
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
