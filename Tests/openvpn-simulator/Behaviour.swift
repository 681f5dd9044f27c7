/// How the management interface treats a connection.
enum Behaviour: String, CaseIterable {
  /// As a healthy server.
  case normal
  /// As if another client held the one place: no byte comes.
  case busy
  /// Greets and never answers.
  case mute
  /// Stops in the middle of a listing.
  case stall
  /// Hangs up in the middle of a listing.
  case cut
  /// Sends random bytes.
  case garbage
  /// Is a web server.
  case http
  /// Sends one line that never ends.
  case endless
  /// Lists a row that OpenVPN cannot format, so that the listing has no end.
  case truncate
  /// Does so with its first row.
  case blind
  /// Waits for `hold release`.
  case hold
  /// Sends `>` lines without an end.
  case flood
  /// Puts `>` lines before and behind every answer.
  case chatty
  /// Sends a byte every 20 ms.
  case slow
  /// Hangs up before the greeting, as for a client with the wrong user id.
  case closing
}
