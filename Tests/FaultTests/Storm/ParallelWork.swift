import Foundation
import Synchronization

/// Does several things side by side, each on a thread of its own, and waits for all of them.
final class ParallelWork: @unchecked Sendable {
  private let group = DispatchGroup()
  private let errors = Mutex<[String]>([])

  /// Begins one more thing.
  ///
  /// - Parameter body: must touch nothing that another one touches.
  func begin(_ body: @escaping () throws -> Void) {
    let work = Work(body: body)
    group.enter()
    Thread.detachNewThread { [self] in
      do { try work.body() } catch { errors.withLock { $0.append("\(error)") } }
      group.leave()
    }
  }

  /// Waits for all, and gives what went wrong.
  func wait() -> [String] {
    group.wait()
    return errors.withLock(\.self)
  }

  private struct Work: @unchecked Sendable {
    let body: () throws -> Void
  }
}
