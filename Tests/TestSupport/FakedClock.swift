import Foundation

/// A wall clock that a test sets, and that programs take for the machine's.
///
/// libfaketime gives it to them. That works on dynamically linked programs, and silently leaves
/// static ones such as the release hooks on the real clock: programs under it are those of
/// `Program.built`, and what counts on it has to show first that the time arrives.
package final class FakedClock {
  /// Whether there is libfaketime here. With `CI=true` it always says yes, so that a missing one
  /// fails there and is never skipped.
  package static var isAvailable: Bool {
    (try? Program.run("faketime", ["--version"]))?.status == 0
      || ProcessInfo.processInfo.environment["CI"] == "true"
  }

  /// A script that starts the command behind it with this clock: short enough for a line of a
  /// server's config.
  package let script: String

  private let folder: TemporaryDirectory
  private let rate: Int
  private var ahead: Int64 = 0
  /// Holds the memory that the library shares among processes until its standard input ends. Where
  /// nobody does, each process makes some and sets a variable to tell its children; and a Swift
  /// program whose environment grew before it began no longer finds its arguments.
  private let holder = Process()
  private let holderInput = Pipe()

  /// A clock that agrees with the machine's.
  ///
  /// - Parameter rate: how fast time goes by in a program from its start on. At 1 what is timed by
  ///   the monotonic clock takes as long as ever, however the wall clock is set.
  package init(rate: Int = 1) throws {
    self.rate = rate
    folder = try TemporaryDirectory()
    let output = Pipe()
    holder.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    holder.arguments = [
      "faketime", "-f", "+0", "sh", "-c", "echo \"$LD_PRELOAD $FAKETIME_SHARED\"; read -r _",
    ]
    holder.standardInput = holderInput
    holder.standardOutput = output
    try holder.runWithSignals()
    // The library's path, which each distribution has elsewhere, and the names of what is shared.
    let said = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    let words = said.split(separator: " ", maxSplits: 1)
    guard words.count == 2 else { throw RealHostError("there is no faketime here: \(said)") }
    // The file is read at every look at the clock, so that a server that runs sees it move as well.
    script = try folder.write(
      """
      #!/bin/sh
      export LD_PRELOAD='\(words[0])' FAKETIME_SHARED='\(words[1].filter { $0 != "\n" })'
      export FAKETIME_TIMESTAMP_FILE='\(folder.path)/clock' FAKETIME_NO_CACHE=1
      \(rate == 1 ? "export FAKETIME_DONT_FAKE_MONOTONIC=1" : "")
      exec "$@"

      """, to: "run", mode: 0o755)
    try set(to: FakedClock.machine)
  }

  deinit {
    try? holderInput.fileHandleForWriting.close()
    holder.waitUntilExit()
  }

  /// What it shows at a rate of 1, in seconds since 1970 in UTC.
  package var now: Int64 { FakedClock.machine + ahead }

  /// Sets it, for programs that run as well.
  ///
  /// - Parameter time: seconds since 1970 in UTC.
  package func set(to time: Int64) throws {
    ahead = time - FakedClock.machine
    let text = "\(ahead < 0 ? "" : "+")\(ahead)\(rate == 1 ? "" : " x\(rate)")\n"
    try Data(text.utf8).write(
      to: URL(fileURLWithPath: folder.path + "/clock"), options: .atomic)
  }

  private static var machine: Int64 { Int64(Date().timeIntervalSince1970) }
}
