import Quota
import System

/// Why the access table cannot be read.
package enum AccessError: Error, Equatable, CustomStringConvertible {
  case system(SystemError)
  /// It is damaged, or of another format.
  case damaged(path: String)

  package var description: String {
    switch self {
    case .system(let error): error.description
    case .damaged(let path): "\(path) is damaged or of another version"
    }
  }
}

/// The access table, open for reading: what each user may do, and the live sessions, as of one moment.
///
/// It is read page by page as it is asked, so a user among a million is found as fast as one among a
/// thousand.
package struct AccessTable: ~Copyable {
  static let name: StaticString = "access"
  /// The most boundaries that a rule has.
  package static let mostBoundaries = AccessLayout.mostBoundaries

  package let header: AccessHeader
  let layout: AccessLayout
  private var pages: Pages

  /// Opens the table in a state directory.
  ///
  /// - Throws: `AccessError`; `ENOENT` where there is none.
  package init(in directory: borrowing Directory) throws(AccessError) {
    var pages = Pages(file: try Self.opened(in: directory))
    try pages.turn(to: 0, version: nil)
    guard let (header, layout) = AccessHeader.decoded(pages.bytes.span) else {
      throw pages.damage
    }
    self.header = header
    self.layout = layout
    self.pages = pages
  }

  private static func opened(in directory: borrowing Directory) throws(AccessError) -> OpenFile {
    do throws(SystemError) { return try directory.openFile(name, for: .read) } catch {
      throw .system(error)
    }
  }

  package var userCount: Int { layout.users.count }
  package var sessionCount: Int { layout.sessions.count }
  package var ruleCount: Int { layout.boundaries.count }
  package var ratesCount: Int { layout.rates.count }

  /// What the table says of a user; nil for a name that it does not have.
  ///
  /// - Parameter name: as `Names.key` has it; so in all that follows.
  package mutating func user(named name: [UInt8]) throws(AccessError) -> AccessUser? {
    try user(hash: header.key.hash(name))
  }

  /// What the table says of the user whose name has a hash; nil where it has no such user.
  package mutating func user(hash: UInt64) throws(AccessError) -> AccessUser? {
    try user(at: lowerBound(of: hash, in: layout.users) { $0.word(at: 0) }, hash)
  }

  /// The same where many are looked up in the order of their hashes.
  ///
  /// - Parameter next: where the next one may be, at first 0.
  package mutating func user(
    hash: UInt64, near next: inout Int
  ) throws(AccessError) -> AccessUser? {
    var found = next
    while found < min(next + 8, userCount),
      try read(found, of: layout.users, { $0.word(at: 0) < hash })
    {
      found += 1
    }
    if let user = try user(at: found, hash) {
      next = found + 1
      return user
    }
    next = try lowerBound(of: hash, in: layout.users) { $0.word(at: 0) }
    return try user(at: next, hash)
  }

  private mutating func user(at index: Int, _ hash: UInt64) throws(AccessError) -> AccessUser? {
    guard index < userCount else { return nil }
    return try read(index, of: layout.users) { $0.word(at: 0) == hash ? AccessUser($0) : nil }
  }

  /// The live sessions of a user, in the order of the journal.
  package mutating func sessions(ofOwner name: [UInt8]) throws(AccessError) -> [AccessSession] {
    let owner = header.key.hash(name)
    var index = try lowerBound(of: owner, in: layout.sessions) { $0.word(at: 0) }
    var sessions: [AccessSession] = []
    while index < layout.sessions.count {
      let session = try session(index)
      if session.owner != owner { break }
      sessions.append(session)
      index += 1
    }
    return sessions
  }

  /// The live sessions of a server's process that began in a second, in the order of the journal.
  package mutating func sessions(
    server: UInt64, pid: Int64, connectedSince: Int64
  ) throws(AccessError) -> [AccessSession] {
    let hash = header.key.hash(server: server, pid: pid, connectedSince: connectedSince)
    var index = try lowerBound(of: UInt64(hash), in: layout.index, width: 32) {
      UInt64($0.half(at: 0))
    }
    var numbers: [Int] = []
    while index < layout.index.count {
      let (found, number) = try read(index, of: layout.index) {
        ($0.half(at: 0), Int($0.half(at: 4)))
      }
      if found != hash { break }
      numbers.append(number)
      index += 1
    }
    var sessions: [AccessSession] = []
    for number in numbers {
      let session = try session(number)
      let process = try process(session.process)
      if session.connectedSince == connectedSince, process.server == server, process.pid == pid {
        sessions.append(session)
      }
    }
    return sessions
  }

  /// All live sessions, in the order of their owners' hashes.
  package func allSessions() throws(AccessError) -> [AccessSession] {
    let bytes = try entries(of: layout.sessions)
    var sessions: [AccessSession] = []
    sessions.reserveCapacity(sessionCount)
    for index in 0..<sessionCount {
      let start = index * AccessSession.size
      let session = AccessSession(bytes.span.extracting(start..<start + AccessSession.size))
      guard session.process < layout.processes.count else { throw pages.damage }
      sessions.append(session)
    }
    return sessions
  }

  /// All processes, by their numbers.
  package mutating func allProcesses() throws(AccessError) -> [AccessProcess] {
    var processes: [AccessProcess] = []
    for number in 0..<layout.processes.count { processes.append(try process(number)) }
    return processes
  }

  /// A session by its number in the table, from 0 to below `sessionCount`.
  package mutating func session(_ index: Int) throws(AccessError) -> AccessSession {
    try read(index, of: layout.sessions) { AccessSession($0) }
  }

  /// The process that a session is served by.
  package mutating func process(_ index: Int) throws(AccessError) -> AccessProcess {
    try read(index, of: layout.processes) { AccessProcess($0) }
  }

  /// The next moments at which a new period begins by a rule, ascending.
  package mutating func boundaries(of rule: Int) throws(AccessError) -> [Int64] {
    try read(rule, of: layout.boundaries) { bytes in
      var moments: [Int64] = []
      for index in 0..<AccessLayout.mostBoundaries {
        let moment = bytes.integer(at: 8 * index)
        if moment < .max { moments.append(moment) }
      }
      return moments
    }
  }

  /// The rates that a user has by their number, from 0 to below `ratesCount`.
  package mutating func rates(of number: Int) throws(AccessError) -> AccessRates {
    try read(number, of: layout.rates) { AccessRates($0) }
  }

  /// What this host may let users have who are on other hosts as well, by the hashes of their names.
  package func allShares() throws(AccessError) -> [UInt64: HostShare] {
    let bytes = try entries(of: layout.shares)
    var shares: [UInt64: HostShare] = [:]
    for start in stride(from: 0, to: bytes.count, by: AccessLayout.shareSize) {
      shares[bytes.span.word(at: start)] = HostShare(
        told: bytes.span.integer(at: start + 8), elsewhere: bytes.span.integer(at: start + 16),
        otherHosts: bytes.span.integer(at: start + 24))
    }
    return shares
  }

  /// All entries of a section, one behind the other.
  func entries(of section: AccessLayout.Section) throws(AccessError) -> [UInt8] {
    var bytes = try pages.all(from: section.firstPage, to: section.end, version: header.version)
    var end = 0
    for first in stride(from: 0, to: section.count, by: section.perPage) {
      let (page, offset) = section.place(of: first)
      let start = (page - section.firstPage) * AccessLayout.pageSize + offset
      let size = min(section.perPage, section.count - first) * section.size
      bytes.move(start..<start + size, to: end)
      end += size
    }
    bytes.removeLast(bytes.count - end)
    return bytes
  }

  /// Reads an entry of a section.
  private mutating func read<Entry>(
    _ index: Int, of section: AccessLayout.Section, _ body: (Span<UInt8>) -> Entry
  ) throws(AccessError) -> Entry {
    guard index < section.count else { throw pages.damage }
    let (page, offset) = section.place(of: index)
    try pages.turn(to: page, version: header.version)
    return body(pages.bytes.span.extracting(offset..<offset + section.size))
  }

  /// The number of the first entry of a section whose hash is not below another; the section's count
  /// where there is none.
  ///
  /// Hashes are spread evenly, so it is looked for where it should stand; from a page that misses it,
  /// the way is as long as the difference of the hashes says.
  ///
  /// - Parameter width: the bits of the hashes.
  private mutating func lowerBound(
    of hash: UInt64, in section: AccessLayout.Section, width: UInt64 = 64,
    by hashOf: (Span<UInt8>) -> UInt64
  ) throws(AccessError) -> Int {
    func distance(_ difference: UInt64) -> Int {
      Int((difference << (64 - width)).multipliedFullWidth(by: UInt64(section.count)).high)
    }
    // All entries before `low` are below the hash, none from `high` on is.
    var (low, high) = (0, section.count)
    var guess = distance(hash)
    var tries = 0
    while low < high {
      // Where guessing goes on for long, halving is sure to come to an end.
      tries += 1
      let number = tries > 8 ? (low + high) / 2 : min(max(guess, low), high - 1)
      let start = number - number % section.perPage
      let end = min(start + section.perPage, section.count)
      let first = try read(start, of: section, hashOf)
      let last = try read(end - 1, of: section, hashOf)
      if first >= hash {
        high = min(high, start)
        guess = start - 1 - distance(first - hash)
      } else if last < hash {
        low = max(low, end)
        guess = end + distance(hash - last)
      } else {
        var (below, above) = (start, end - 1)
        while above - below > 1 {
          let middle = (below + above) / 2
          if try read(middle, of: section, hashOf) < hash { below = middle } else { above = middle }
        }
        return above
      }
    }
    return high
  }
}

/// A table's pages, of which one is in memory.
private struct Pages: ~Copyable {
  let file: OpenFile
  private(set) var bytes = [UInt8](repeating: 0, count: AccessLayout.pageSize)
  private var number: Int?

  init(file: consuming OpenFile) { self.file = file }

  var damage: AccessError { .damaged(path: file.path) }

  /// Reads pages that follow each other, each of which has to be whole.
  func all(from first: Int, to end: Int, version: UInt64) throws(AccessError) -> [UInt8] {
    let size = AccessLayout.pageSize
    guard Int64(end) * Int64(size) <= file.status.size else { throw damage }
    var bytes = [UInt8](repeating: 0, count: (end - first) * size)
    let got: Int
    do throws(SystemError) {
      got = try file.descriptor.read(
        into: &bytes, 0..<bytes.count, at: Int64(first) * Int64(size), of: file.path)
    } catch { throw .system(error) }
    if got < bytes.count { throw damage }
    for page in first..<end {
      let start = (page - first) * size
      let content = bytes.span.extracting(start..<start + size)
      guard AccessLayout.isWhole(content, number: page),
        AccessLayout.version(of: content) == version
      else { throw damage }
    }
    return bytes
  }

  /// Brings a page into memory, unless it is there.
  ///
  /// - Parameter version: the table's; nil as long as it is not known.
  mutating func turn(to page: Int, version: UInt64?) throws(AccessError) {
    if number == page { return }
    number = nil
    let position = Int64(page) * Int64(AccessLayout.pageSize)
    let got: Int
    do throws(SystemError) {
      got = try file.descriptor.read(
        into: &bytes, 0..<AccessLayout.pageSize, at: position, of: file.path)
    } catch { throw .system(error) }
    guard got == AccessLayout.pageSize, AccessLayout.isWhole(bytes.span, number: page),
      version == nil || AccessLayout.version(of: bytes.span) == version
    else { throw damage }
    number = page
  }
}
