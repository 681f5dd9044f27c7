/// Why PostgreSQL did not do what it was asked, or could not be asked.
package struct PostgresError: Error, Equatable, CustomStringConvertible {
  /// The kinds that callers tell apart.
  package enum Kind: Sendable {
    /// There is no connection, or it was lost: what was under way is not committed, unless it was the
    /// commit itself.
    case disconnected
    /// The server did not answer in time.
    case timedOut
    /// The server answered that it cannot.
    case refused
  }

  package let kind: Kind
  /// The server's SQLSTATE, five characters; empty where it said none.
  package let state: String
  /// libpq's or the server's own words, in one line.
  package let message: String

  package var description: String { message }

  /// The SQLSTATE of a value that is there already: `unique_violation`.
  static let taken = "23505"

  /// The SQLSTATEs of what an engine does not have: `syntax_error` and `feature_not_supported`.
  static let unsupported: Set<String> = ["42601", "0A000"]

  /// Whether the same transaction may well succeed at another try: it met with another one
  /// (`serialization_failure`, `deadlock_detected`).
  var isTransient: Bool { state == "40001" || state == "40P01" }

  /// Whether a commit that ended so may be kept or not: no answer, `statement_completion_unknown`, or the
  /// end of the connection on the server's side (the classes of `connection_exception` and
  /// `operator_intervention`).
  var isUndecided: Bool {
    kind != .refused || state == "40003" || state.hasPrefix("08") || state.hasPrefix("57P")
  }

  /// What stands in the place of a SQLSTATE for a connection string that cannot be read.
  static let unreadable = "OQ000"

  /// - Parameter text: words of libpq's, with `SQLSTATE: ` behind the severity as `PQERRORS_VERBOSE`
  ///   has it, several lines long.
  init(_ kind: Kind, state: String? = nil, libpq text: String) {
    var lines = text.split(separator: "\n").map { $0.drop { $0 == "\t" || $0 == " " } }
    lines.removeAll { $0.hasPrefix("LOCATION:") || $0.isEmpty }
    var message = lines.joined(separator: "; ")
    var found = ""
    if let place = message.firstMatch(of: #/:  ([0-9A-Z]{5}): /#) {
      found = String(place.output.1)
      message.replaceSubrange(place.range, with: ": ")
    }
    self.init(kind, state: state ?? found, message)
  }

  init(_ kind: Kind, state: String = "", _ message: String) {
    self.kind = kind
    self.state = state
    self.message = message
  }
}
