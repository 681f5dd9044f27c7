import System

/// One server's answer to `status`: who is connected, and how much has passed.
///
/// Formats 1, 2 and 3 as OpenVPN 2.3 to 2.7 write them (`multi_print_status`, multi.c). A row is a set of
/// small ranges of the text that is kept of all.
package struct StatusListing: Sendable {
  /// The texts that are asked for later. What else a row has, half of it and more, is not kept.
  var text: [UInt8] = []
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

  /// The networks behind clients, where they were to be read.
  package internal(set) var networks: [ClientNetwork] = []

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

  init() {}

  /// Reads a listing in one piece: what `status` answered, with or without the greeting before it
  /// and the answer to `pid` behind it, or a status file.
  package init(parsing bytes: [UInt8], readsNetworks: Bool = false) {
    var parser = StatusParser(readsNetworks: readsNetworks)
    var start = 0
    while start < bytes.count {
      let feed = firstLineFeed(in: bytes.span, from: start)
      _ = parser.take(start..<lineEnd(feed, from: start, in: bytes.span), of: bytes)
      start = feed + 1
    }
    self = parser.listing
  }

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

/// A network behind a client (`iroute`), as the routing table has it: all as texts.
package struct ClientNetwork: Sendable {
  /// `192.168.5.0/24`
  package let network: [UInt8]
  package let commonName: [UInt8]
  package let realAddress: [UInt8]
}

/// One client in a listing.
package struct StatusRow: Sendable {
  let bytes: [UInt8]
  let record: StatusRecord

  private func text(_ field: StatusRecord.Field) -> ArraySlice<UInt8> { bytes[record.range(field)] }

  /// The name in the client's certificate, or what has taken its place; `UNDEF` before the
  /// handshake is far enough. Any byte but TAB, CR, LF and other control bytes may be in it.
  package var commonName: ArraySlice<UInt8> { text(record.commonName) }

  /// Where the client is: `10.77.0.2:35040`, `fd77::5` without a port up to OpenVPN 2.6,
  /// `udp4:10.77.0.2:35040` or `udp6:[fd77::5]:35040` from 2.7. It moves when the client does.
  package var realAddress: ArraySlice<UInt8> { text(record.realAddress) }

  /// The IPv4 address the server gave it, empty if none.
  package var virtualAddress: ArraySlice<UInt8> { text(record.virtualAddress) }

  /// The IPv6 address the server gave it, empty if none or before OpenVPN 2.4.
  package var virtualIPv6Address: ArraySlice<UInt8> { text(record.virtualIPv6Address) }

  /// The name it logged in with, `UNDEF` without a login; empty in format 1.
  package var username: ArraySlice<UInt8> { text(record.username) }

  /// Bytes from the client since it connected; what is beyond `Int64.max` is `Int64.max`.
  package var bytesReceived: Int64 { record.bytesReceived }

  /// Bytes to the client since it connected; what is beyond `Int64.max` is `Int64.max`.
  package var bytesSent: Int64 { record.bytesSent }

  /// When it connected, in seconds since 1970: the `time_unix` of its hooks. Nil in format 1.
  package var connectedSince: Int64? { record.connectedSince }

  /// What `client-kill` takes; nil before OpenVPN 2.4 and in format 1. Good for two seconds.
  package var clientID: UInt64? { record.clientID }

  /// The address the server gave it, IPv4 or else IPv6; empty if none.
  package var address: ArraySlice<UInt8> {
    virtualAddress.isEmpty ? virtualIPv6Address : virtualAddress
  }

  /// Whether this is a session, as far as the row can tell: it has a virtual address or, on a tap
  /// server without a pool, an entry in the routing table. Handshakes, waiting and refused clients
  /// are rows, not sessions, and so is every row of format 1, which cannot tell.
  package var isSession: Bool {
    guard record.connectedSince != nil else { return false }
    if address.isEmpty { return record.isRouted && !commonName.isEmpty }
    return address.count <= 45
      && address.allSatisfy { byte in
        hexadecimalDigit(byte) != nil || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
      }
  }

  /// Whether the real address has a port, and so is one client's alone: IPv6 clients are listed
  /// without one up to OpenVPN 2.6.
  package var namesPort: Bool {
    let colon = UInt8(ascii: ":")
    guard let last = realAddress.lastIndex(of: colon) else { return false }
    let host = realAddress[..<last]
    return !host.contains(colon) || host.last == UInt8(ascii: "]")
      || host.starts(with: "udp".utf8) || host.starts(with: "tcp".utf8)
  }

  /// What `kill` by address takes; nil where it would not find this client.
  package var killAddress: KillAddress? { KillAddress(realAddress: realAddress) }
}

/// A row as ranges of a text, and its numbers. Small, as there may be tens of thousands.
struct StatusRecord: Sendable {
  /// A part of the text, from the row's place on: lines have less than 64 KiB.
  struct Field: Sendable {
    var offset: UInt16 = 0
    var count: UInt16 = 0
  }

  var line: UInt32
  var commonName = Field()
  var realAddress = Field()
  var virtualAddress = Field()
  var virtualIPv6Address = Field()
  var username = Field()
  var bytesReceived: Int64 = 0
  var bytesSent: Int64 = 0
  var connectedSince: Int64?
  var clientID: UInt64?
  /// Whether the routing table has an entry for it; looked up only where there is no address.
  var isRouted = false

  var hasAddress: Bool { virtualAddress.count > 0 || virtualIPv6Address.count > 0 }

  func range(_ field: Field) -> Range<Int> {
    let start = Int(line) + Int(field.offset)
    return start..<start + Int(field.count)
  }
}
