/// Reads a listing line by line.
struct StatusParser: Sendable {
  enum Line: Equatable {
    /// Part of the listing, or an asynchronous `>` line, which may stand anywhere.
    case taken
    /// `END`, alone on its line.
    case end
    /// `SUCCESS: pid=N`, alone on its line.
    case pid
    /// `ERROR: …` where a listing was due; there is no `END` then.
    case refused
    /// Nothing that belongs here.
    case foreign
  }

  /// Whether networks behind clients are kept, for which the routing table has to be read.
  private let readsNetworks: Bool

  init(readsNetworks: Bool = false) { self.readsNetworks = readsNetworks }

  /// The bytes of all lines that clients were read from.
  private(set) var size = 0

  private enum Table { case none, clients, routes, statistics }

  private(set) var listing = StatusListing()
  /// 1, 2 or 3 once the first line is there.
  private var format = 0
  private var separator: UInt8 { format == 3 ? UInt8(ascii: "\t") : UInt8(ascii: ",") }
  private var clientColumns: StatusColumns?
  private var routeColumns: StatusColumns?
  /// Format 1 only, whose rows do not say which table they are in.
  private var table = Table.none
  /// Clients that are sessions only if the routing table has them, by a hash of name and address.
  private var unrouted: [Int: [Int]] = [:]
  private var fields: [Range<Int>] = []

  /// Reads one line.
  ///
  /// - Parameters:
  ///   - line: its place in the buffer, without its line end.
  ///   - bytes: the buffer, which is not needed any more afterwards.
  mutating func take(_ line: Range<Int>, of bytes: Span<UInt8>) -> Line {
    let text = bytes.extracting(line)
    if Bytes.equal(text, "END") {
      listing.hasEnd = format != 0
      return format == 0 ? .foreign : .end
    }
    if Bytes.starts(text, with: "SUCCESS: pid="),
      let pid = Bytes.number(text.extracting(13...), in: processIDRange)
    {
      listing.pid = pid
      return .pid
    }
    if format == 1 { return takeFormat1(line, of: bytes) }
    if Bytes.starts(text, with: ">") { return .taken }
    if Bytes.starts(text, with: "ERROR:") { return .refused }
    return format == 0 ? takeTitle(line, of: bytes) : takeTagged(line, of: bytes)
  }

  /// Reads one line of a buffer that is an array.
  mutating func take(_ line: Range<Int>, of bytes: [UInt8]) -> Line {
    take(line, of: bytes.span)
  }

  private mutating func takeTitle(_ line: Range<Int>, of bytes: Span<UInt8>) -> Line {
    let text = bytes.extracting(line)
    if Bytes.starts(text, with: "TITLE\t") {
      format = 3
    } else if Bytes.starts(text, with: "TITLE,") {
      format = 2
    } else if Bytes.equal(text, "OpenVPN CLIENT LIST") {
      format = 1
      listing.isPlain = true
      return .taken
    } else {
      return .foreign
    }
    listing.text.append(copying: text.extracting(6...))
    listing.titleRange = 0..<listing.text.count
    return .taken
  }

  /// Formats 2 and 3: every line begins with the name of its table.
  private mutating func takeTagged(_ line: Range<Int>, of bytes: Span<UInt8>) -> Line {
    // There are as many routes as clients, and nobody needs them but a client without an address.
    let route: StaticString = format == 3 ? "ROUTING_TABLE\t" : "ROUTING_TABLE,"
    if unrouted.isEmpty, Bytes.starts(bytes.extracting(line), with: route),
      !readsNetworks || !line.contains(where: { bytes[$0] == UInt8(ascii: "/") })
    {
      return .taken
    }
    split(line, of: bytes)
    let tag = bytes.extracting(fields[0])
    guard fields.count > 1 else { return .foreign }
    if Bytes.equal(tag, "CLIENT_LIST") {
      takeClient(fields[1...], line: line, of: bytes)
    } else if Bytes.equal(tag, "ROUTING_TABLE") {
      takeRoute(fields[1...], of: bytes)
    } else if Bytes.equal(tag, "HEADER") {
      takeHeader(bytes)
    } else if Bytes.equal(tag, "GLOBAL_STATS") {
      takeStatistic(bytes)
    } else if Bytes.equal(tag, "TIME") {
      listing.serverTime = fields.last.flatMap {
        Bytes.number(bytes.extracting($0), in: momentRange)
      }
    }
    return .taken
  }

  private mutating func takeHeader(_ bytes: Span<UInt8>) {
    let columns = StatusColumns(header: fields, from: 2, of: bytes)
    let table = bytes.extracting(fields[1])
    if Bytes.equal(table, "CLIENT_LIST") {
      clientColumns = columns
    } else if Bytes.equal(table, "ROUTING_TABLE") {
      routeColumns = columns
    }
  }

  private mutating func takeStatistic(_ bytes: Span<UInt8>) {
    guard fields.count == 3, Bytes.equal(bytes.extracting(fields[1]), "dco_enabled") else { return }
    listing.dcoEnabled = Bytes.equal(bytes.extracting(fields[2]), "1")
  }

  /// Format 1, made to be read by people: tables with a title, a header and bare rows.
  private mutating func takeFormat1(_ line: Range<Int>, of bytes: Span<UInt8>) -> Line {
    let text = bytes.extracting(line)
    if Bytes.equal(text, "ROUTING TABLE") {
      table = .routes
    } else if Bytes.equal(text, "GLOBAL STATS") {
      table = .statistics
    } else if table == .none, Bytes.starts(text, with: "Common Name,Real Address,") {
      split(line, of: bytes)
      clientColumns = StatusColumns(header: fields, from: 0, of: bytes)
      table = .clients
    } else if table == .clients, !isAsynchronous(text) {
      split(line, of: bytes)
      takeClient(fields[...], line: line, of: bytes)
    }
    return .taken
  }

  /// In format 1 a row begins with the client's name, and a name may begin with `>`.
  private func isAsynchronous(_ text: Span<UInt8>) -> Bool {
    Bytes.starts(text, with: ">CLIENT:") || Bytes.starts(text, with: ">LOG:")
  }

  private mutating func takeClient(
    _ fields: ArraySlice<Range<Int>>, line: Range<Int>, of bytes: Span<UInt8>
  ) {
    guard let columns = clientColumns, line.count <= Int(UInt16.max),
      let record = onlyReading(of: fields, columns, line: line.lowerBound, of: bytes)
    else {
      listing.malformedRows += 1
      return
    }
    if !record.hasAddress, record.connectedSince != nil {
      noteUnrouted(record, of: bytes)
    }
    listing.records.append(kept(record, of: bytes))
    size += line.count + 1
  }

  /// A record with its texts where they are kept.
  private mutating func kept(_ record: StatusRecord, of bytes: Span<UInt8>) -> StatusRecord {
    let start = listing.text.count
    var kept = record
    kept.line = UInt32(truncatingIfNeeded: start)
    func keep(_ field: inout StatusRecord.Field) {
      if field.count == 0 { return field = StatusRecord.Field() }
      let text = bytes.extracting(record.range(field))
      field.offset = UInt16(listing.text.count - start)
      listing.text.append(copying: text)
    }
    keep(&kept.commonName)
    keep(&kept.realAddress)
    keep(&kept.virtualAddress)
    keep(&kept.virtualIPv6Address)
    keep(&kept.username)
    return kept
  }

  /// The one way of giving the surplus separators of a row to its names that leaves every number a
  /// number; nil if there is no such way, or several, as a hostile name can bring about.
  private func onlyReading(
    of fields: ArraySlice<Range<Int>>, _ columns: StatusColumns, line: Int, of bytes: Span<UInt8>
  ) -> StatusRecord? {
    let surplus = fields.count - columns.count
    guard surplus == 0 || surplus > 0 && format != 3 else { return nil }
    let first = columns.username == nil ? surplus : 0
    var only: StatusRecord?
    for inName in first...surplus {
      let reading = StatusFields(
        fields: fields, columns: columns, inName: inName, inUsername: surplus - inName)
      guard let record = record(reading, line: line, of: bytes) else { continue }
      guard only == nil else { return nil }
      only = record
    }
    return only
  }

  private func record(
    _ fields: StatusFields, line: Int, of bytes: Span<UInt8>
  ) -> StatusRecord? {
    let columns = fields.columns
    func field(_ column: Int?) -> StatusRecord.Field {
      fields.range(column).map {
        StatusRecord.Field(offset: UInt16($0.lowerBound - line), count: UInt16($0.count))
      } ?? StatusRecord.Field()
    }
    guard let name = columns.commonName, let address = columns.realAddress,
      let received = fields.range(columns.bytesReceived)
        .flatMap({ Bytes.counter(bytes.extracting($0)) }),
      let sent = fields.range(columns.bytesSent)
        .flatMap({ Bytes.counter(bytes.extracting($0)) })
    else { return nil }
    var record = StatusRecord(line: UInt32(line))
    if let since = fields.range(columns.connectedSince) {
      guard let time = Bytes.number(bytes.extracting(since), in: momentRange) else { return nil }
      record.connectedSince = time
    }
    // Builds without client ids have the column and leave it empty.
    if let id = fields.range(columns.clientID), !id.isEmpty {
      guard let number = Bytes.decimal(bytes.extracting(id)), number < .max else { return nil }
      record.clientID = number
    }
    record.commonName = field(name)
    record.realAddress = field(address)
    record.virtualAddress = field(columns.virtualAddress)
    record.virtualIPv6Address = field(columns.virtualIPv6Address)
    record.username = field(columns.username)
    record.bytesReceived = received
    record.bytesSent = sent
    return record
  }

  /// Notes a client without an address: the routing table, which comes later, decides.
  private mutating func noteUnrouted(_ record: StatusRecord, of bytes: Span<UInt8>) {
    let name = bytes.extracting(record.range(record.commonName))
    guard !Bytes.equal(name, "UNDEF") else { return }
    let key = hash(name, bytes.extracting(record.range(record.realAddress)))
    unrouted[key, default: []].append(listing.records.count)
  }

  private mutating func takeRoute(_ fields: ArraySlice<Range<Int>>, of bytes: Span<UInt8>) {
    guard let columns = routeColumns, fields.count >= columns.count else { return }
    let reading = StatusFields(
      fields: fields, columns: columns, inName: fields.count - columns.count, inUsername: 0)
    guard let nameRange = reading.range(columns.commonName),
      let addressRange = reading.range(columns.realAddress)
    else { return }
    let (name, address) = (bytes.extracting(nameRange), bytes.extracting(addressRange))
    if readsNetworks, let network = reading.range(columns.virtualAddress),
      network.contains(where: { bytes[$0] == UInt8(ascii: "/") })
    {
      listing.networks.append(
        ClientNetwork(
          network: network.map { bytes[$0] }, commonName: nameRange.map { bytes[$0] },
          realAddress: addressRange.map { bytes[$0] }))
    }
    for index in unrouted[hash(name, address)] ?? [] {
      let record = listing.records[index]
      if isSame(record.range(record.commonName), name),
        isSame(record.range(record.realAddress), address)
      {
        listing.records[index].isRouted = true
      }
    }
  }

  private func hash(_ name: Span<UInt8>, _ address: Span<UInt8>) -> Int {
    var hasher = Hasher()
    for index in name.indices { hasher.combine(name[index]) }
    for index in address.indices { hasher.combine(address[index]) }
    return hasher.finalize()
  }

  /// Whether a text that is kept is the same as another one.
  private func isSame(_ kept: Range<Int>, _ other: Span<UInt8>) -> Bool {
    let text = listing.text.span.extracting(kept)
    return text.count == other.count && text.indices.allSatisfy { text[$0] == other[$0] }
  }

  /// Puts the places of a line's fields into `fields`, which has at least one then.
  private mutating func split(_ line: Range<Int>, of bytes: Span<UInt8>) {
    fields.removeAll(keepingCapacity: true)
    let separator = separator
    var start = line.lowerBound
    unsafe bytes.extracting(line).withUnsafeBufferPointer { text in
      for place in text.indices where unsafe text[place] == separator {
        fields.append(start..<line.lowerBound + place)
        start = line.lowerBound + place + 1
      }
    }
    fields.append(start..<line.upperBound)
  }
}

extension [UInt8] {
  fileprivate mutating func append(copying bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }
}

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
  let inName: Int
  let inUsername: Int

  /// The bytes of a column, nil where the table has no such column.
  func range(_ column: Int?) -> Range<Int>? {
    guard let column else { return nil }
    if inName | inUsername == 0 { return fields[fields.startIndex + column] }
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
