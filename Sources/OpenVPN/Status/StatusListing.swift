import System

/// One server's answer to `status`: who is connected, and how much has passed.
///
/// Formats 1, 2 and 3 as OpenVPN 2.3 to 2.7 write them (`multi_print_status`, multi.c). A row is a set of
/// small ranges of the text that is kept of all.
package struct StatusListing: Sendable {
  let contents: StatusContents

  /// The process id that the server answered with, if it was asked.
  package let pid: Int64?

  /// Whether nothing is missing: `END` came, and every row could be read. Only of such a listing
  /// does a session's absence mean anything.
  package var isComplete: Bool { contents.hasEnd && contents.malformedRows == 0 }

  /// Whether it is in format 1: its rows have no client id, no address in the tunnel and no time at
  /// which they began.
  package var isPlain: Bool { contents.isPlain }

  /// Whether the server broke off before `END`: it drops a row of more than 511 bytes and all that
  /// follows (`status_printf`, status.c), so the tail is missing and the rows before it are good.
  package var isTruncated: Bool { !contents.hasEnd }

  /// How many client rows could not be read and are not among `rows`.
  package var malformedRows: Int { contents.malformedRows }

  /// The server's clock at the listing, in seconds since 1970; nil in format 1.
  package var serverTime: Int64? { contents.time }

  /// What the server calls itself, `OpenVPN 2.6.14 x86_64-pc-linux-gnu …`; empty in format 1.
  package var title: ArraySlice<UInt8> { contents.text[contents.title] }

  /// Whether packets pass in the kernel (`dco_enabled`, since 2.6).
  package var dcoEnabled: Bool { contents.dcoEnabled }

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
  package var rows: Rows { Rows(bytes: contents.text, records: contents.records) }

  /// The networks behind clients, where they were to be read.
  package var networks: [ClientNetwork] { contents.networks }

  init(contents: StatusContents, pid: Int64?) {
    self.contents = contents
    self.pid = pid
  }

  /// Reads a listing in one piece: what `status` answered, with or without the greeting before it
  /// and the answer to `pid` behind it, or a status file.
  package init(parsing bytes: [UInt8], readsNetworks: Bool = false) {
    var parser = StatusParser(readsNetworks: readsNetworks)
    var pid: Int64?
    var start = 0
    while start < bytes.count {
      let feed = firstLineFeed(in: bytes.span, from: start)
      switch parser.take(start..<lineEnd(feed, from: start, in: bytes.span), of: bytes) {
      case .pid(let answer): pid = answer
      case .taken, .end, .refused, .foreign: break
      }
      start = feed + 1
    }
    self.init(contents: parser.contents, pid: pid)
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
