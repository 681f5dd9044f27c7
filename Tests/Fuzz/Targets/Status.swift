@testable import OpenVPN

extension FuzzTarget {
  /// The answer to `status`, which names and numbers of strangers are in.
  static let status = FuzzTarget("status") { bytes throws(Broken) in
    let listing = StatusListing(parsing: bytes)
    let lines = lines(of: bytes)
    try require(
      listing.rows.count + listing.malformedRows <= lines.count, "no line is more than one row")
    var rest = lines[...]
    for row in listing.rows {
      try require(advance(&rest, behind: row), "what a row says stands in a line of its own")
      try check(row)
    }
    try checkCuts(of: bytes)
    try checkLineEnds(of: bytes, listing)
    if let plain = PlainListing(lines) {
      try same(listing.rows.map(PlainListing.Row.init), plain.rows, "the rows")
      try same(listing.malformedRows, plain.others, "the rows that are none")
    }
  }

  /// Goes on in the lines to behind the first that says all that a row does.
  private static func advance(_ lines: inout ArraySlice<[UInt8]>, behind row: StatusRow) -> Bool {
    let fields = [
      row.commonName, row.realAddress, row.virtualAddress, row.virtualIPv6Address, row.username,
    ]
    while let line = lines.popFirst() {
      let numbers = line.split { $0 == 9 || $0 == UInt8(ascii: ",") || $0 == 13 }
      let hasCounters = [row.bytesReceived, row.bytesSent].allSatisfy { counter in
        numbers.contains { Bytes.counter($0.span) == counter }
      }
      if hasCounters, fields.allSatisfy({ $0.isEmpty || line.contains($0) }) { return true }
    }
    return false
  }

  /// What goes out because of a row is harmless.
  private static func check(_ row: StatusRow) throws(Broken) {
    try require(row.bytesReceived >= 0 && row.bytesSent >= 0, "a counter is not negative")
    try require(!row.isSession || row.connectedSince != nil, "a session has a beginning")
    if row.isSession {
      let allowed = Array("0123456789abcdefABCDEF.:".utf8)
      try require(row.address.allSatisfy(allowed.contains), "the address of a session is one")
    }
    if let command = try? ManagementCommand.kill(name: row.commonName) {
      try same(
        try? ConfigLexer.words(in: command.text), [Array("kill".utf8), Array(row.commonName)],
        "what OpenVPN makes of the command")
    }
  }

  /// A listing whose last lines are missing, its END among them, is not complete.
  private static func checkCuts(of bytes: [UInt8]) throws(Broken) {
    let lines = lines(of: bytes)
    let end = lines.firstIndex { $0 == Array("END".utf8) || $0 == Array("END\r".utf8) }
    let most = end ?? lines.count - 1
    for count in [most, most / 2, most - most / 4] {
      let rest = StatusListing(parsing: Array(lines[..<count].joined(separator: [10])))
      try require(
        !rest.isComplete && rest.isTruncated, "a listing of \(count) lines is not complete")
    }
  }

  /// Lines may end with CR LF or with LF alone.
  private static func checkLineEnds(
    of bytes: [UInt8], _ listing: StatusListing
  ) throws(Broken) {
    guard !bytes.contains(13) else { return }
    let other = StatusListing(parsing: Array(lines(of: bytes).joined(separator: [13, 10])))
    try same(
      listing.rows.map(PlainListing.Row.init), other.rows.map(PlainListing.Row.init),
      "the rows with the other line ends")
    try same(listing.isComplete, other.isComplete, "whether it is complete with other line ends")
  }
}

/// A listing in format 3 read in the plainest way there is.
private struct PlainListing {
  struct Row: Equatable {
    let fields: [[UInt8]]
    let received: Int64
    let sent: Int64
    let since: Int64?
    let clientID: UInt64?
  }

  private(set) var rows: [Row] = []
  private(set) var others = 0
  private var columns: [String: Int] = [:]
  private var count: Int?

  /// - Returns: nil for what is not in format 3.
  init?(_ lines: [[UInt8]]) {
    var isIn = false
    for line in lines {
      let line = line.last == 13 ? Array(line.dropLast()) : line
      let fields = line.split(separator: 9, omittingEmptySubsequences: false).map { Array($0) }
      let tag = text(fields[0])
      if !isIn {
        if line.starts(with: "TITLE,".utf8) || line == Array("OpenVPN CLIENT LIST".utf8) {
          return nil
        }
        isIn = tag == "TITLE" && fields.count > 1
      } else if tag == "HEADER", fields.count > 1, text(fields[1]) == "CLIENT_LIST" {
        columns = [:]
        for (index, name) in fields[2...].enumerated() { columns[text(name)] = index }
        count = fields.count - 2
      } else if tag == "CLIENT_LIST", fields.count > 1 {
        if let row = row(Array(fields[1...])), line.count <= 65535 {
          rows.append(row)
        } else {
          others += 1
        }
      }
    }
    if !isIn { return nil }
  }

  private func row(_ fields: [[UInt8]]) -> Row? {
    func field(_ name: String) -> [UInt8]? { columns[name].map { fields[$0] } }
    guard fields.count == count, let name = field("Common Name"),
      let address = field("Real Address"),
      let received = field("Bytes Received").flatMap({ number($0) }),
      let sent = field("Bytes Sent").flatMap({ number($0) })
    else { return nil }
    var (since, id): (Int64?, UInt64?) = (nil, nil)
    if let digits = field("Connected Since (time_t)") {
      guard let time = number(digits), time <= 1 << 56 else { return nil }
      since = Int64(time)
    }
    if let digits = field("Client ID"), !digits.isEmpty {
      guard let number = number(digits), number < .max else { return nil }
      id = number
    }
    return Row(
      fields: [
        name, address, field("Virtual Address") ?? [], field("Virtual IPv6 Address") ?? [],
        field("Username") ?? [],
      ], received: Int64(clamping: received), sent: Int64(clamping: sent), since: since,
      clientID: id)
  }

  private func number(_ digits: [UInt8]) -> UInt64? {
    guard !digits.isEmpty, digits.allSatisfy({ 48...57 ~= $0 }) else { return nil }
    return UInt64(text(digits)) ?? .max
  }
}

extension PlainListing.Row {
  init(_ row: StatusRow) {
    self.init(
      fields: [
        row.commonName, row.realAddress, row.virtualAddress, row.virtualIPv6Address, row.username,
      ].map { Array($0) },
      received: row.bytesReceived, sent: row.bytesSent, since: row.connectedSince,
      clientID: row.clientID)
  }
}
