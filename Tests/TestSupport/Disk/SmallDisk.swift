import Foundation

/// A small disk in memory that can be made to take nothing more. It goes away with this object, and
/// with this process if that is killed.
package final class SmallDisk {
  /// Whether this process may mount; root in a container mostly may not.
  package static var isAvailable: Bool { Capability.sysAdmin.isEffective }

  /// What can be wrong with it.
  package enum Fault: CaseIterable, Sendable {
    case full, withoutInodes, readOnly
  }

  private let path: String
  /// Unmounts at the end of its input, which comes with this process's end at the latest.
  private let holder = Process()
  private let holderInput = Pipe()

  /// Mounts it on a directory.
  ///
  /// - Parameter options: what `mount -o` takes for a `tmpfs`.
  package init(on path: String, _ options: String) throws {
    self.path = path
    let output = Pipe()
    holder.executableURL = URL(fileURLWithPath: "/bin/sh")
    holder.arguments = [
      "-c", #"mount -t tmpfs -o "$1" none "$0" && echo mounted && read -r _; umount -l "$0""#, path,
      options,
    ]
    holder.standardInput = holderInput
    holder.standardOutput = output
    try holder.runWithSignals()
    guard !output.fileHandleForReading.availableData.isEmpty else {
      throw RealHostError("cannot mount a small disk on \(path)")
    }
  }

  deinit {
    try? holderInput.fileHandleForWriting.close()
    holder.waitUntilExit()
  }

  package func fail(_ fault: Fault) throws {
    switch fault {
    // As much as fits.
    case .full: _ = try Program.run("dd", ["if=/dev/zero", "of=\(path)/filler", "bs=4096"])
    case .withoutInodes:
      _ = try Program.run("sh", ["-c", "i=0; while : >\(path)/filler$i; do i=$((i+1)); done"])
    case .readOnly: try Program.run("mount", ["-o", "remount,ro", path]).requireSuccess()
    }
  }

  package func recover() throws {
    try Program.run("mount", ["-o", "remount,rw", path]).requireSuccess()
    try Program.run("sh", ["-c", "rm -f \(path)/filler*"]).requireSuccess()
  }
}
