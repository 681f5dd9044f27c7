import Support
import Glibc
import OpenVPN
import Servers
import System

/// Why a server was not swept, or not wholly.
package enum ServerFailure: Error, Equatable {
  /// The management interface cannot be reached.
  case unreachable(SystemError)
  /// Connecting took too long.
  case connectTimedOut
  /// The conversation came to nothing.
  case conversation(ManagementFailure)
  /// The file with the password cannot be read.
  case password(SystemError)
  /// The server's config cannot be used.
  case discovery(DiscoveryProblem)
  /// The listing was cut off behind this row. The others were counted by their addresses, if format
  /// 1 was whole; nothing was opened for them, and nothing was closed.
  case truncated(lastRow: String, othersCounted: Bool)
  /// This many rows of the listing make no sense; the others were counted, nothing was closed.
  case malformedRows(Int)
  /// Nothing tells its sessions from those of another server: why.
  case unclear(String)

  /// Whether the server just is not running: nothing listens at its address.
  var isDown: Bool {
    guard case .unreachable(let error) = self else { return false }
    return error.code == ENOENT || error.code == ECONNREFUSED
  }

  /// Whether another try in the same sweep may go better.
  var isWorthAnotherTry: Bool {
    switch self {
    case .unreachable(let error): error.code != EACCES && error.code != ENAMETOOLONG
    case .connectTimedOut: true
    case .conversation(let failure): failure.isWorthAnotherTry
    case .password, .discovery, .truncated, .malformedRows, .unclear: false
    }
  }

  /// What happened, for `server NAME: …`.
  package var message: String {
    switch self {
    case .unreachable(let error) where error.code == EAGAIN:
      ManagementFailure.busy.description
    case .unreachable(let error), .password(let error): error.description
    case .connectTimedOut: "the connection to its management interface was not made in time"
    case .conversation(let failure): failure.description
    case .discovery(let problem): problem.description
    case .truncated(let lastRow, let othersCounted):
      "its listing is cut off behind \(lastRow): the next row is too long for OpenVPN; "
        + (othersCounted
          ? "the others were counted by their addresses" : "what came before was counted")
        + ", and no session was closed"
    case .unclear(let cause): cause
    case .malformedRows(let count):
      "\(count) rows of its listing make no sense; the others were counted, and no session was closed"
    }
  }

  /// What mends it, where that is known.
  package var hint: String? {
    switch self {
    case .unreachable(let error):
      switch error.code {
      case ENOENT, ECONNREFUSED:
        "start the server, restart it if its management line is new, or correct MANAGEMENT"
      case EAGAIN: ManagementFailure.busy.hint
      case EHOSTUNREACH: "the host in MANAGEMENT has no address"
      default: error.hint
      }
    case .connectTimedOut: ManagementFailure.busy.hint
    case .conversation(let failure): failure.hint
    case .password(let error): error.hint
    case .discovery(let problem): problem.hint
    case .truncated:
      "have what checks logins (auth-user-pass-verify, a plugin) turn down user names of over "
        + "\(ListingWidth.longestUsername) bytes at once"
    case .malformedRows: nil
    case .unclear:
      "name the server in its hooks' lines, as in: client-connect \"quota-connect --server NAME\""
    }
  }
}

extension ManagementFailure {
  /// Whether another try in the same sweep may go better: what the server's or the sweep's config
  /// says will not change within seconds.
  fileprivate var isWorthAnotherTry: Bool {
    switch self {
    case .busy, .cutOff, .timedOut, .refused, .restarting: true
    case .passwordNeeded, .wrongPassword, .held, .turnedAway, .garbage, .listingTooLong: false
    }
  }
}
