import Ledger
import OpenVPN
import Support
import System
import Quota

/// What one sweep came to.
package struct Summary {
  /// Bytes that were new in the ledger.
  package var bytesAdded: Int64 = 0
  /// Live sessions listed.
  package var sessions = 0
  /// Accounts opened.
  package var opened = 0
  /// Accounts closed.
  package var closed = 0
  /// Sessions told to go, or that would be.
  package var kills: [Kill] = []
  /// Each server and how it went.
  package var servers: [ServerResult] = []
  /// What went wrong without failing a server.
  package var problems: [String] = []
  /// Why the ledger could not be written; then who was to go was told so all the same.
  package var bookkeepingFailure: (any Explained)?
  /// Milliseconds that it took.
  package var milliseconds: Int64 = 0

  /// One session told to go.
  package struct Kill {
    package let server: String
    package let user: UserName
    package let address: String
    package let reason: Reason
  }

  /// How it went with one server.
  package struct ServerResult {
    package let name: String
    /// Where its management interface is; empty where that is not known.
    package let address: String
    package let state: State
    /// Live sessions in its listing.
    package let sessions: Int
    /// What is wrong, the cause first.
    package let errors: [String]
    /// What mends the first of them.
    package let hint: String?

    /// How it went.
    package enum State: String {
      /// It was swept.
      case swept
      /// It was found by its config and is not running.
      case down
      /// It failed, its listing was not whole, or a session could not be disconnected.
      case failed
    }
  }

  /// Whether every server did its part, or is one that may be down.
  package var everyServerDone: Bool { servers.allSatisfy { $0.state != .failed } }

  mutating func add(_ result: Reconciliation) {
    opened += result.opened
    closed += result.closed
    bytesAdded =
      (Traffic(received: bytesAdded) + Traffic(received: result.added.total)).received
  }
}
