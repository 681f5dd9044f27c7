/// Which column of a table holds what, by the names in its HEADER row.
///
/// The columns of the client list grew: 2.4.0 added the IPv6 address, client id and peer id, 2.5.0
/// the cipher. Only a common name and a username may hold the comma that separates columns in the
/// formats 1 and 2, so the places of all others follow from both ends of the row.
struct StatusColumns: Sendable {
  private(set) var count = 0
  private(set) var commonName: Int?
  private(set) var username: Int?
  private(set) var realAddress: Int?
  private(set) var virtualAddress: Int?
  private(set) var virtualIPv6Address: Int?
  private(set) var bytesReceived: Int?
  private(set) var bytesSent: Int?
  private(set) var connectedSince: Int?
  private(set) var clientID: Int?

  /// Takes the names from the fields of a header row, from `first` on.
  init(header fields: [Range<Int>], from first: Int, of bytes: Span<UInt8>) {
    for field in fields[first...] {
      let name = bytes.extracting(field)
      for known in StatusColumns.known where Bytes.equal(name, known.name) {
        self[keyPath: known.place] = count
      }
      count += 1
    }
  }

  private static let known: [(name: StaticString, place: Place)] = [
    ("Common Name", \.commonName), ("Username", \.username), ("Real Address", \.realAddress),
    ("Virtual Address", \.virtualAddress), ("Virtual IPv6 Address", \.virtualIPv6Address),
    ("Bytes Received", \.bytesReceived), ("Bytes Sent", \.bytesSent),
    ("Connected Since (time_t)", \.connectedSince), ("Client ID", \.clientID),
  ]
  private typealias Place = WritableKeyPath<StatusColumns, Int?> & Sendable
}

/// One way of reading a row: its fields, and how many separators belong to the names.
struct StatusFields {
  let fields: ArraySlice<Range<Int>>
  let columns: StatusColumns
  /// Separators that are part of the common name.
  let inName: Int
  /// Separators that are part of the username.
  let inUsername: Int

  /// The bytes of a column, nil where the table has no such column.
  func range(_ column: Int?) -> Range<Int>? {
    guard let column else { return nil }
    let before =
      shift(column, behind: columns.commonName, inName)
      + shift(column, behind: columns.username, inUsername)
    let own = column == columns.commonName ? inName : column == columns.username ? inUsername : 0
    let first = fields.startIndex + column + before
    return fields[first].lowerBound..<fields[first + own].upperBound
  }

  private func shift(_ column: Int, behind free: Int?, _ separators: Int) -> Int {
    free.map { column > $0 ? separators : 0 } ?? 0
  }
}
