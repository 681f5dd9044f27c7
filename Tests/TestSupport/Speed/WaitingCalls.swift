import Foundation

/// The system calls by which a program waits: for a lock, for the disk, for another program or for
/// time. A hook has none, for the VPN would wait with it.
package enum WaitingCalls {
  private static let names =
    "nanosleep,clock_nanosleep,flock,fcntl,fsync,fdatasync,sync_file_range,poll,ppoll,select,pselect6"

  /// The words to put before the command line of a hook.
  ///
  /// - Parameter folder: where each hook leaves what `all` reads.
  package static func tracing(into folder: String) -> [String] {
    ["/usr/bin/strace", "-ff", "-e", "trace=" + names, "-o", folder + "/hook"]
  }

  /// How many hooks were started so, and by which calls they waited; each has to have ended with 0.
  package static func all(in folder: String) throws -> (hooks: Int, calls: [String]) {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    let calls = try names.flatMap { name in
      let trace = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
      guard trace.contains("+++ exited with 0 +++") else {
        throw Gauge.Missing(description: "a hook failed:\n\(trace)")
      }
      return trace.split(separator: "\n").map(String.init).filter {
        !$0.hasPrefix("+++") && (!$0.hasPrefix("fcntl") || $0.contains("LK"))
      }
    }
    return (names.count, calls)
  }
}
