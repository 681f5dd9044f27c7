import Quota
import System

/// Makes an access table of the users and sessions that it is given, in any order, and of those that a
/// former table has besides.
package struct AccessWriter: ~Copyable {
  private let header: AccessHeader
  /// The next moments, in seconds since 1970 in UTC and ascending, at which a new period begins, for
  /// each rule of periods in use; of each, the first 64 count.
  package var boundaries: [[Int64]]
  /// The rates that users have, each by its place; at most 65 535 of them.
  package var rates: [AccessRates] = []
  /// What this host may let users have who are on other hosts as well, by the hashes of their names.
  package var shares: [UInt64: HostShare] = [:]
  private var users = AccessEntries(size: AccessUser.size)
  private var sessions = AccessEntries(size: AccessSession.size)
  /// The index of sessions that are kept.
  private var keptIndex: [UInt8] = []
  private var processes: [AccessProcess] = []

  package init(_ header: AccessHeader, boundaries: [[Int64]] = []) {
    self.header = header
    self.boundaries = boundaries
  }

  package var key: AccessKey { header.key }

  /// The hash of a user's name.
  package func hash(of name: Span<UInt8>) -> UInt64 { header.hash(of: name) }

  package var sessionCount: Int { sessions.count }

  /// How many users it has.
  package mutating func countUsers() -> Int {
    users.sort(isUnique: header.names == .exact)
    return users.count
  }

  /// Takes over the users of a table with the same key and boundaries, before any are put.
  package mutating func keepUsers(of table: inout AccessTable) throws(AccessError) {
    precondition(table.header.key == header.key)
    users.keep(try table.entries(of: table.layout.users))
  }

  /// Takes over the live sessions of a table with the same key; no more can be added.
  package mutating func keepSessions(of table: inout AccessTable) throws(AccessError) {
    precondition(table.header.key == header.key)
    sessions.keep(try table.entries(of: table.layout.sessions))
    keptIndex = try table.entries(of: table.layout.index)
    for index in 0..<table.layout.processes.count { processes.append(try table.process(index)) }
  }

  /// Puts a user in the table, in the place of one with this name. Where names are folded, of several
  /// whose names are looked up alike the first one is found, and no table is to be taken over.
  ///
  /// - Parameter name: the hash of the name.
  package mutating func put(_ user: AccessUser, named name: UInt64) {
    users.put(hash: name) { user.append(hash: name, to: &$0) }
  }

  /// Puts users in the table that `AccessUser.append` wrote, one behind the other.
  package mutating func put(encoded: [UInt8]) { users.put(all: encoded) }

  /// The number of a server's process, which may be new.
  package mutating func number(of process: AccessProcess) -> Int {
    if let known = processes.lastIndex(of: process) { return known }
    processes.append(process)
    return processes.count - 1
  }

  /// Adds a live session, whose process has its number from here.
  package mutating func add(_ session: AccessSession) {
    sessions.add(hash: session.owner, position: session.position ?? -1) { session.append(to: &$0) }
  }

  /// Makes room for live sessions that `AccessSession.append` wrote, one behind the other. Before any
  /// other is added, and each of them is part of the table only once it is added too.
  package mutating func take(sessions encoded: [UInt8]) { sessions.take(encoded) }

  /// Adds one of the live sessions that were taken.
  ///
  /// - Parameters:
  ///   - index: which of them.
  ///   - owner: the hash of its owner's name.
  ///   - process: the number of its process from here.
  package mutating func addSession(at index: Int, owner: UInt64, process: Int) {
    sessions.add(taken: index, hash: owner, positionAt: AccessSession.positionOffset) {
      $0.set(word: owner, at: $1)
      $0.set(half: UInt32(clamping: process), at: $1 + AccessSession.processOffset)
    }
  }

  /// Lets go of all sessions.
  package mutating func removeSessions() {
    sessions = AccessEntries(size: AccessSession.size)
    (keptIndex, processes) = ([], [])
  }

  /// Writes the table and puts it in the place of the one before, so that each reader finds a whole
  /// one, also after a power loss.
  ///
  /// - Returns: its size in bytes.
  @discardableResult
  package consuming func publish(in directory: borrowing Directory) throws(SystemError) -> Int64 {
    try directory.remove(Self.draft)
    let file = try directory.create(Self.draft, mode: Self.mode)
    do throws(SystemError) {
      let path = directory.path(of: Self.draft)
      let size = try write(to: file, path)
      try file.synchronize(onlyData: true, as: path)
      try directory.rename(Self.draft, to: AccessTable.name)
      return size
    } catch {
      try? directory.remove(Self.draft)
      throw error
    }
  }

  private static let draft: StaticString = "access.new"
  private static let mode: UInt32 = 0o640

  private mutating func write(
    to file: borrowing Descriptor, _ path: String
  ) throws(SystemError) -> Int64 {
    users.sort(isUnique: header.names == .exact)
    sessions.sort()
    let layout = AccessLayout(
      users: users.count, sessions: sessions.count, processes: processes.count,
      rules: boundaries.count, rates: rates.count, shares: shares.count)
    var pages = AccessPages(version: header.version, path: path)
    try pages.append(header.encoded(layout).span, to: file)
    try pages.endSection(to: file)
    try pages.append(users, to: file)
    try pages.append(sessions, to: file)
    var index = AccessEntries(size: AccessLayout.indexSize)
    index.keep(sessions.isKept ? keptIndex : indexEntries())
    try pages.append(index, to: file)
    for process in processes {
      var bytes: [UInt8] = []
      process.append(to: &bytes)
      try pages.append(bytes.span, to: file)
    }
    try pages.endSection(to: file)
    for moments in boundaries {
      var bytes: [UInt8] = []
      for index in 0..<AccessLayout.mostBoundaries {
        bytes.append(integer: index < moments.count ? moments[index] : .max)
      }
      try pages.append(bytes.span, to: file)
    }
    try pages.endSection(to: file)
    for rates in rates {
      var bytes: [UInt8] = []
      rates.append(to: &bytes)
      try pages.append(bytes.span, to: file)
    }
    try pages.endSection(to: file)
    for (user, share) in shares {
      var bytes: [UInt8] = []
      bytes.append(word: user)
      for number in [share.told, share.elsewhere, share.otherHosts] {
        bytes.append(integer: number)
      }
      try pages.append(bytes.span, to: file)
    }
    try pages.endSection(to: file)
    return try pages.finish(to: file)
  }

  /// The index of sessions by their keys; of one key, in the order of the journal.
  private func indexEntries() -> [UInt8] {
    var places: [AccessEntries.Place] = []
    places.reserveCapacity(sessions.count)
    sessions.forEach { session in
      let process = processes[Int(session.half(at: AccessSession.processOffset))]
      let key = header.key.hash(
        server: process.server, pid: process.pid,
        connectedSince: session.integer(at: AccessSession.sinceOffset))
      places.append(
        AccessEntries.Place(
          hash: UInt64(key), position: session.integer(at: AccessSession.positionOffset),
          index: UInt32(truncatingIfNeeded: places.count)))
    }
    places.sort()
    var bytes: [UInt8] = []
    bytes.reserveCapacity(places.count * AccessLayout.indexSize)
    for place in places {
      bytes.append(half: UInt32(truncatingIfNeeded: place.hash))
      bytes.append(half: place.index)
    }
    return bytes
  }
}

extension Array {
  /// Of elements that are alike and stand side by side keeps the last.
  @inlinable
  package mutating func keepLast(_ areAlike: (Element, Element) -> Bool) {
    var kept = 0
    for index in indices {
      if kept > 0, areAlike(self[kept - 1], self[index]) { kept -= 1 }
      self[kept] = self[index]
      kept += 1
    }
    removeLast(count - kept)
  }

  /// The place of the first element whose key is not below another one; their keys ascend.
  @inlinable
  package func lowerBound<Key: Comparable>(of key: Key, by keyOf: (Element) -> Key) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if keyOf(self[middle]) < key { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

/// Entries of one size, in the order of their hashes once they are sorted.
struct AccessEntries {
  private let size: Int
  /// Those that came in order, each with its hash in its first eight bytes.
  private var kept: [UInt8] = []
  private var added: [UInt8] = []
  /// Where those that were added belong.
  private var places: [Place] = []

  /// A hash, a position in the journal, the number of what has them, and where its entry stands.
  struct Place: Comparable {
    let hash: UInt64
    var position: Int64 = -1
    let index: UInt32
    var entry: UInt32 = 0

    static func < (left: Place, right: Place) -> Bool {
      if left.hash != right.hash { return left.hash < right.hash }
      return (left.position, left.index) < (right.position, right.index)
    }
  }

  init(size: Int) { self.size = size }

  var count: Int { kept.count / size + places.count }

  /// Whether all of them are kept ones.
  var isKept: Bool { places.isEmpty }

  mutating func keep(_ entries: [UInt8]) { kept = entries }

  /// Adds an entry that a body appends.
  mutating func add(hash: UInt64, position: Int64 = -1, _ append: (inout [UInt8]) -> Void) {
    note(hash, position, entry: added.count / size)
    append(&added)
  }

  private mutating func note(_ hash: UInt64, _ position: Int64, entry: Int) {
    places.append(
      Place(
        hash: hash, position: position, index: UInt32(truncatingIfNeeded: places.count),
        entry: UInt32(truncatingIfNeeded: entry)))
  }

  /// Takes entries, none of which is added yet.
  mutating func take(_ entries: [UInt8]) { added = entries }

  /// Adds one of the entries that were taken.
  ///
  /// - Parameters:
  ///   - offset: where in an entry its position in the journal stands.
  ///   - complete: changes the bytes of the entry that begins at a place.
  mutating func add(
    taken index: Int, hash: UInt64, positionAt offset: Int,
    _ complete: (inout [UInt8], Int) -> Void
  ) {
    let start = index * size
    complete(&added, start)
    note(hash, added.span.integer(at: start + offset), entry: index)
  }

  /// Puts an entry in the place of a kept one with this hash; where there is none, adds it.
  mutating func put(hash: UInt64, _ append: (inout [UInt8]) -> Void) {
    guard let found = place(of: hash) else { return add(hash: hash, append) }
    var entry: [UInt8] = []
    append(&entry)
    kept.replace(at: found, with: entry.span)
  }

  /// Puts entries that stand one behind the other.
  mutating func put(all entries: [UInt8]) {
    for start in stride(from: 0, to: entries.count, by: size) {
      let entry = entries.span.extracting(start..<start + size)
      let hash = entry.word(at: 0)
      if let found = place(of: hash) {
        kept.replace(at: found, with: entry)
      } else {
        let size = size
        add(hash: hash) { $0 += entries[start..<start + size] }
      }
    }
  }

  /// Where a kept entry stands.
  private func place(of hash: UInt64) -> Int? {
    let bytes = kept.span
    var (low, high) = (0, kept.count / size)
    // Hashes are spread evenly, so it is not far from where it should stand.
    var middle = Int(hash.multipliedFullWidth(by: UInt64(high)).high)
    var step = 64
    while low < high {
      let found = bytes.word(at: middle * size)
      if found == hash { return middle * size }
      if found < hash {
        low = middle + 1
        middle = min(middle + step, (low + high) / 2)
      } else {
        high = middle
        middle = max(middle - step, (low + high) / 2)
      }
      step *= 4
    }
    return nil
  }

  /// Puts those that were added in order.
  ///
  /// - Parameter isUnique: whether of those with one hash only the last that was added counts.
  mutating func sort(isUnique: Bool = false) {
    places.sort()
    if isUnique { places.keepLast { $0.hash == $1.hash } }
  }

  /// Gives all entries, once they are sorted.
  func forEach<Failure: Error>(
    _ body: (Span<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    var start = 0
    for place in places {
      while start < kept.count, kept.span.word(at: start) < place.hash {
        try body(kept.span.extracting(start..<start + size))
        start += size
      }
      let entry = Int(place.entry) * size
      try body(added.span.extracting(entry..<entry + size))
    }
    while start < kept.count {
      try body(kept.span.extracting(start..<start + size))
      start += size
    }
  }
}

/// Pages that are being filled and written.
private struct AccessPages {
  private let version: UInt64
  private let path: String
  private var bytes = [UInt8](repeating: 0, count: Self.pagesAtOnce * AccessLayout.pageSize)
  /// Where the next entry goes, and where its page ends.
  private var place = AccessLayout.pageHead
  private var pageEnd = AccessLayout.pageSize
  /// Pages that are finished.
  private var count = 0
  private static let pagesAtOnce = 16

  init(version: UInt64, path: String) {
    self.version = version
    self.path = path
  }

  /// Adds a section of entries.
  mutating func append(
    _ entries: AccessEntries, to file: borrowing Descriptor
  ) throws(SystemError) {
    try entries.forEach { entry throws(SystemError) in try append(entry, to: file) }
    try endSection(to: file)
  }

  mutating func append(
    _ entry: Span<UInt8>, to file: borrowing Descriptor
  ) throws(SystemError) {
    if place + entry.count > pageEnd { try endPage(to: file) }
    bytes.replace(at: place, with: entry)
    place += entry.count
  }

  /// What follows begins with a page of its own.
  mutating func endSection(to file: borrowing Descriptor) throws(SystemError) {
    if place > pageEnd - AccessLayout.content { try endPage(to: file) }
  }

  private mutating func endPage(to file: borrowing Descriptor) throws(SystemError) {
    let start = pageEnd - AccessLayout.pageSize
    AccessLayout.seal(&bytes, at: start, number: count, version: version)
    count += 1
    pageEnd += AccessLayout.pageSize
    if pageEnd > bytes.count { try write(to: file) }
    place = pageEnd - AccessLayout.content
  }

  /// Writes the pages that are finished, and goes on with empty ones.
  private mutating func write(to file: borrowing Descriptor) throws(SystemError) {
    let end = pageEnd - AccessLayout.pageSize
    try file.write(bytes.span.extracting(0..<end), to: path)
    for index in 0..<end { bytes[index] = 0 }
    pageEnd = AccessLayout.pageSize
  }

  /// Writes the rest.
  ///
  /// - Returns: the size of all in bytes.
  mutating func finish(to file: borrowing Descriptor) throws(SystemError) -> Int64 {
    try write(to: file)
    return Int64(count) * Int64(AccessLayout.pageSize)
  }
}
