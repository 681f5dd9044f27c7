import Foundation
import Synchronization

/// A folder whose databases SQLite reaches through a disk that a test can break: programs that die
/// at any call, a disk that is full, power that goes.
///
/// Everything that opens a database below `path` in this process meets it, for SQLite's own way to
/// the disk is replaced for the whole process; databases elsewhere notice nothing. Locks, the shared
/// memory and the data are those of real files. What goes to other files than SQLite's, such as the
/// journal, is no matter of the disk.
///
/// Three faults:
///
/// - `die(atCall:)`: from then on every call fails and nothing more reaches the files. What was
///   written stays, nothing is rolled back, and locks are let go of as the connections are: what
///   SIGKILL leaves. Then let go of the connections, and `recover()`.
/// - `fail(_:atWrite:)`: from then on no write succeeds, until `recover()`: the disk is full, broken
///   or read-only.
/// - Power that goes: `journal` has what was written and what synchronized, and `write(_:)` puts what
///   is left of it where the files were.
package final class FaultyDisk: Sendable {
  /// The absolute path of the folder.
  package let path: String
  private let folder: TemporaryDirectory
  private let state: Mutex<State>
  private let watcher: @Sendable (FaultyDisk) -> Void

  private struct State {
    var calls = 0
    var writes = 0
    var lastCall = Int.max
    var lastWrite = Int.max
    var fault = WriteFault.full
    var journal: DiskJournal?
  }

  /// - Parameters:
  ///   - watcher: is told after each operation that went into the journal, in the midst of whatever
  ///     SQLite is doing: it must not call SQLite on this disk.
  package init(watcher: @escaping @Sendable (FaultyDisk) -> Void = { _ in }) throws {
    folder = try TemporaryDirectory()
    path = folder.path
    state = Mutex(State())
    self.watcher = watcher
    DiskShim.attach(self)
  }

  deinit { DiskShim.detach(path) }

  /// How many calls SQLite made since the last `recover()`, or ever.
  package var calls: Int { state.withLock(\.calls) }

  /// How many of them were writes.
  package var writes: Int { state.withLock(\.writes) }

  /// Whether the call came at which the program that uses the disk was to die.
  package var isDead: Bool { state.withLock { $0.calls >= $0.lastCall } }

  /// Lets the program that uses the disk die in place of a call, counted from now: 1 is the next one.
  package func die(atCall number: Int) { state.withLock { $0.lastCall = $0.calls + number } }

  /// Why nothing can be written, while all can be read.
  package enum WriteFault: CaseIterable, Sendable { case full, broken, readOnly }

  /// Lets no write succeed from one on, counted from now: 1 is the next one.
  package func fail(_ fault: WriteFault, atWrite number: Int) {
    state.withLock { ($0.lastWrite, $0.fault) = ($0.writes + number, fault) }
  }

  /// Lets no write find room from one on.
  package func fill(atWrite number: Int) { fail(.full, atWrite: number) }

  /// Whether files can only be opened for reading now.
  var isReadOnly: Bool { state.withLock { $0.writes + 1 >= $0.lastWrite && $0.fault == .readOnly } }

  /// The disk is as good as new, with what was written on it.
  package func recover() {
    state.withLock {
      ($0.calls, $0.writes, $0.lastCall, $0.lastWrite) = (0, 0, .max, .max)
    }
  }

  /// Begins to note what is done, with all that there is now as safe on the disk.
  package func beginJournal() throws {
    let files = try files()
    state.withLock { $0.journal = DiskJournal(base: files) }
  }

  /// What was done since `beginJournal()`; nothing where that was not called.
  package var journal: DiskJournal {
    state.withLock { $0.journal } ?? DiskJournal(base: [:])
  }

  /// Puts files in the place of those that are there, when nobody has one open. The shared memory is
  /// gone, as it is after a loss of power.
  package func write(_ files: [String: [UInt8]]) throws {
    for name in try names() { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
    for (name, bytes) in files {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
  }

  private func files() throws -> [String: [UInt8]] {
    try names().filter { !$0.hasSuffix("-shm") }.reduce(into: [:]) { files, name in
      files[name] = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
    }
  }

  /// The names of the files in the folder itself.
  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).filter { name in
      var isFolder: ObjCBool = false
      return unsafe FileManager.default.fileExists(
        atPath: "\(path)/\(name)", isDirectory: &isFolder) && !isFolder.boolValue
    }
  }
}

// What the shim asks and tells.
extension FaultyDisk {
  /// How a call comes out before the real disk hears of it.
  enum Fate { case goesOn, dies, cannotWrite(WriteFault) }

  func fate(isWrite: Bool) -> Fate {
    state.withLock { state in
      state.calls += 1
      if state.calls >= state.lastCall { return .dies }
      if !isWrite { return .goesOn }
      state.writes += 1
      return state.writes >= state.lastWrite ? .cannotWrite(state.fault) : .goesOn
    }
  }

  func note(_ operation: DiskJournal.Operation, on file: String) {
    let isNoted = state.withLock { state in
      state.journal?.note(operation, on: file)
      return state.journal != nil
    }
    if isNoted { watcher(self) }
  }
}
