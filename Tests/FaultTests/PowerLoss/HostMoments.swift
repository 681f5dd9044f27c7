import Foundation
import Synchronization
import TestSupport

/// What a host had done at one moment, beside what is on its disk.
struct Moment: Hashable, Sendable {
  /// The files of the journal.
  var journal: [String: [UInt8]] = [:]
  /// What each user had moved, in bytes.
  var moved: [String: Int64] = [:]
  /// The same as the last sweep that ended had it.
  var swept: [String: Int64] = [:]
  /// Users whose sessions have ended, with a record in the journal.
  var ended: Set<String> = []
}

/// Keeps the moments of a host, one before each operation of its disk.
final class HostMoments: Sendable {
  private struct State {
    var now = Moment()
    var moments: [Moment] = []
  }

  private let state = Mutex(State())

  /// Notes that an operation was done: what the host had done by then is what there may be when the
  /// power goes before it.
  func turn(_ disk: FaultyDisk) {
    let journal = HostMoments.journal(in: disk.path)
    state.withLock {
      $0.now.journal = journal
      $0.moments.append($0.now)
    }
  }

  /// The moments before each operation, and the last one.
  var moments: [Moment] { state.withLock { $0.moments + [$0.now] } }

  /// A user moves some more.
  func add(_ bytes: Int64, of user: String) {
    state.withLock { $0.now.moved[user, default: 0] += bytes }
  }

  /// A session's end is in the journal.
  func noteEnd(of user: String) { state.withLock { _ = $0.now.ended.insert(user) } }

  /// A sweep has ended.
  func noteSweep() { state.withLock { $0.now.swept = $0.now.moved } }

  /// The files of the journal that there are in a folder.
  static func journal(in folder: String) -> [String: [UInt8]] {
    ["journal", "journal.old", "journal.new"].reduce(into: [:]) { files, name in
      files[name] = (try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))).map(
        Array.init)
    }
  }
}
