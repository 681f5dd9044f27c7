import OpenVPN
import Quota

/// One configured server in the course of a sweep.
final class Server {
  let endpoint: ManagementEndpoint
  /// Tries so far.
  var attempts = 0
  /// When the next try may begin; nil while one is under way, or none is needed any more.
  var nextAttempt: Duration?
  /// The connection, while there is one.
  var connection: ManagementConnection?
  var outcome = Outcome.pending
  /// What is wrong with its last listing, which came to an answer all the same.
  var listingFailure: ServerFailure?
  /// The sessions that should have been disconnected and were not, each with the reason.
  var unenforced: [String] = []

  /// How far the sweep has come with a server.
  enum Outcome {
    case pending
    case swept
    case failed(ServerFailure)
  }

  init(_ endpoint: ManagementEndpoint, startingAt time: Duration) {
    self.endpoint = endpoint
    nextAttempt = time
  }

  /// Asks the server once more from the start.
  func startOver(at time: Duration) {
    attempts = 0
    nextAttempt = time
    connection = nil
    outcome = .pending
    listingFailure = nil
  }

  /// Whether the server was found by its config, so that its being down is no failure: it may be
  /// one that is started by hand.
  var isDiscovered: Bool { endpoint.config != nil }

  /// Why it failed, if it did.
  var failure: ServerFailure? {
    if case .failed(let failure) = outcome { failure } else { nil }
  }
}
