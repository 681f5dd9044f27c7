/// How wide a client's row in a listing can become.
///
/// A server drops a row of more than 511 bytes and everything that follows it, `END` included
/// (`status_printf`, status.c, STATUS_PRINTF_MAXLEN): one client with a long name would hide the
/// others. Both names of a client together must stay within what the other columns leave.
package enum ListingWidth {
  /// The longest row that a server writes, in bytes without its line end.
  package static let longestRow = 511

  /// The most bytes that the columns other than the two names take, in format 3 of 2.3 to 2.7.
  package static let otherColumns =
    11  // CLIENT_LIST
    + 12  // separators
    + 61  // real address: tcp6-server:[, 41 for a link-local IPv6 with its scope, ]:, port
    + 15  // virtual IPv4 address
    + 39  // virtual IPv6 address
    + 40  // two counters of 64 bits
    + 24  // connected since, as ctime writes it
    + 10  // the same as a number, until the year 2286
    + 20  // client id, 64 bits
    + 8  // peer id, 24 bits
    + 24  // cipher

  /// What is left for common name and username together, in bytes.
  package static let roomForNames = longestRow - otherColumns

  /// The longest username that breaks no listing, next to a common name of 64 bytes, which is the
  /// most that one field of a certificate has.
  package static let longestUsername = roomForNames - 64

  /// Whether a client with these names could have a row that breaks a listing off.
  ///
  /// A row shows `UNDEF` for a username that is missing.
  package static func wouldBreak(commonName: [UInt8], username: [UInt8]) -> Bool {
    commonName.count + max(username.count, 5) > roomForNames
  }
}
