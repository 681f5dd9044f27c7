import System

/// One server's answer to `status`: who is connected, and how much has passed.
///
/// Formats 1, 2 and 3 as OpenVPN 2.3 to 2.7 write them (`multi_print_status`, multi.c). A row is a set of
/// small ranges of the text that is kept of all.
package struct StatusListing: Sendable {
  /// The texts that are asked for later. What else a row has, half of it and more, is not kept.
  var text: [UInt8] = []
  /// Where in the text the title is.
  var titleRange = 0..<0
  var records: [StatusRecord] = []
  var hasEnd = false

  /// The process id that the server answered with, if it was asked.
  package internal(set) var pid: Int64?

  /// Whether it is in format 1: its rows have no client id, no address in the tunnel and no time at
  /// which they began.
  package internal(set) var isPlain = false

  /// How many client rows could not be read and are not among `rows`.
  package internal(set) var malformedRows = 0

  /// The server's clock at the listing, in seconds since 1970; nil in format 1.
  package internal(set) var serverTime: Int64?

  /// Whether packets pass in the kernel (`dco_enabled`, since 2.6).
  package internal(set) var dcoEnabled = false

  /// Whether nothing is missing: `END` came, and every row could be read. Only of such a listing
  /// does a session's absence mean anything.
  package var isComplete: Bool { hasEnd && malformedRows == 0 }

  /// Whether the server broke off before `END`: it drops a row of more than 511 bytes and all that
  /// follows (`status_printf`, status.c), so the tail is missing and the rows before it are good.
  package var isTruncated: Bool { !hasEnd }

  /// What the server calls itself, `OpenVPN 2.6.14 x86_64-pc-linux-gnu …`; empty in format 1.
  package var title: ArraySlice<UInt8> { text[titleRange] }

  /// Whether packets pass in the kernel and it seems not to count them, as the first modules did not
  /// (OpenVPN's issue 746): of the sessions that are ten minutes old none has more bytes than its
  /// handshakes take, one an hour and at most 12 kB each.
  package var countersStandStill: Bool {
    guard dcoEnabled, let now = serverTime else { return false }
    let ages = rows.lazy.filter(\.isSession).map { row in
      (row: row, age: now - (row.connectedSince ?? now))
    }
    let old = ages.filter { $0.age >= 600 }
    return !old.isEmpty
      && old.allSatisfy { row, age in
        row.bytesReceived < 12_000 * (1 + age / 3600) - min(row.bytesSent, 1 << 40)
      }
  }

  /// The client rows, in the server's order, which is that of a hash table.
  package var rows: Rows { Rows(bytes: text, records: records) }

  /// A listing of which nothing has come.
  init() {}

  /// Reads a listing in one piece: what `status` answered, with or without the greeting before it
  /// and the answer to `pid` behind it, or a status file.
  package init(parsing bytes: [UInt8]) {
    var parser = StatusParser()
    var start = 0
    while start < bytes.count {
      let feed = firstLineFeed(in: bytes.span, from: start)
      _ = parser.take(start..<lineEnd(feed, from: start, in: bytes.span), of: bytes)
      start = feed + 1
    }
    self = parser.listing
  }

  /// The client rows of a listing.
  package struct Rows: RandomAccessCollection, Sendable {
    let bytes: [UInt8]
    let records: [StatusRecord]

    package var startIndex: Int { 0 }
    package var endIndex: Int { records.count }
    package subscript(position: Int) -> StatusRow {
      StatusRow(bytes: bytes, record: records[position])
    }
  }
}

/// Where the next line feed is, or the end of the bytes where there is none.
func firstLineFeed(in bytes: Span<UInt8>, from start: Int) -> Int {
  bytes.firstIndex(of: Bytes.lineFeed, or: Bytes.lineFeed, from: start)
}

/// Where the text of a line ends that a line feed follows: before a carriage return.
func lineEnd(_ feed: Int, from start: Int, in bytes: Span<UInt8>) -> Int {
  feed > start && bytes[feed - 1] == Bytes.carriageReturn ? feed - 1 : feed
}
