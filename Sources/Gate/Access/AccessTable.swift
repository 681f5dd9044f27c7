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

  package let header: AccessHeader
  let layout: AccessLayout
  private let file: Descriptor
  private let path: String

  /// Opens the table in a state directory.
  ///
  /// - Throws: `AccessError`; `ENOENT` where there is none.
  package init(in directory: borrowing Directory) throws(AccessError) {
    let path = directory.path(of: Self.name)
    let file = try Self.opened(in: directory)
    let page = try Self.page(0, of: file, path)
    guard let (header, layout) = AccessHeader.decoded(page.span) else {
      throw .damaged(path: path)
    }
    self.header = header
    self.layout = layout
    self.file = file
    self.path = path
  }

  private static func opened(in directory: borrowing Directory) throws(AccessError) -> Descriptor {
    do throws(SystemError) { return try directory.open(name, for: .read) } catch {
      throw .system(error)
    }
  }

  /// What the table says of a user; nil for a name that it does not have.
  package borrowing func user(named name: [UInt8]) throws(AccessError) -> AccessUser? {
    let hash = header.key.hash(name)
    let found = try lowerBound(of: hash, in: layout.users) { $0.word(at: 0) }
    guard found < layout.users.count else { return nil }
    let (page, offset) = layout.users.place(of: found)
    let bytes = try self.page(page)
    let entry = bytes.span.extracting(offset..<offset + AccessUser.size)
    return entry.word(at: 0) == hash ? AccessUser(entry) : nil
  }

  /// The live sessions of a user, in the order of the journal.
  package borrowing func sessions(ofOwner name: [UInt8]) throws(AccessError) -> [AccessSession] {
    let owner = header.key.hash(name)
    var index = try lowerBound(of: owner, in: layout.sessions) { $0.word(at: 0) }
    var sessions: [AccessSession] = []
    while index < layout.sessions.count {
      let (number, start) = layout.sessions.place(of: index)
      let page = try page(number)
      let end = min(
        layout.sessions.count, (index / layout.sessions.perPage + 1) * layout.sessions.perPage)
      var offset = start
      while index < end {
        let session = AccessSession(page.span.extracting(offset..<offset + AccessSession.size))
        if session.owner != owner { return sessions }
        sessions.append(session)
        (index, offset) = (index + 1, offset + AccessSession.size)
      }
    }
    return sessions
  }

  /// The live sessions of a server's process that began in a second, in the order of the journal.
  package borrowing func sessions(
    server: UInt64, pid: Int64, connectedSince: Int64
  ) throws(AccessError) -> [AccessSession] {
    let hash = header.key.hash(server: server, pid: pid, connectedSince: connectedSince)
    var index = try lowerBound(of: UInt64(hash) << 32, in: layout.index) {
      UInt64($0.half(at: 0)) << 32
    }
    var sessions: [AccessSession] = []
    while index < layout.index.count {
      let (page, offset) = layout.index.place(of: index)
      let bytes = try self.page(page)
      if bytes.span.half(at: offset) != hash { break }
      let session = try session(Int(bytes.span.half(at: offset + 4)))
      let process = try process(session.process)
      if session.connectedSince == connectedSince, process.server == server, process.pid == pid {
        sessions.append(session)
      }
      index += 1
    }
    return sessions
  }

  /// A session by its number in the table, from 0 to below `sessionCount`.
  package borrowing func session(_ index: Int) throws(AccessError) -> AccessSession {
    guard index < layout.sessions.count else { throw .damaged(path: path) }
    let (page, offset) = layout.sessions.place(of: index)
    let bytes = try self.page(page)
    return AccessSession(bytes.span.extracting(offset..<offset + AccessSession.size))
  }

  package var sessionCount: Int { layout.sessions.count }
  package var userCount: Int { layout.users.count }

  /// The process that a session is served by.
  package borrowing func process(_ index: Int) throws(AccessError) -> AccessProcess {
    guard index < layout.processes.count else { throw .damaged(path: path) }
    let (page, offset) = layout.processes.place(of: index)
    let bytes = try self.page(page)
    return AccessProcess(bytes.span.extracting(offset..<offset + AccessProcess.size))
  }

  /// The next moments at which a new period begins by a rule, ascending.
  package borrowing func boundaries(of rule: Int) throws(AccessError) -> [Int64] {
    guard rule < layout.boundaries.count else { throw .damaged(path: path) }
    let (page, offset) = layout.boundaries.place(of: rule)
    let bytes = try self.page(page)
    var moments: [Int64] = []
    for index in 0..<AccessLayout.mostBoundaries {
      let moment = bytes.span.integer(at: offset + 8 * index)
      if moment < .max { moments.append(moment) }
    }
    return moments
  }

  private borrowing func page(_ number: Int) throws(AccessError) -> [UInt8] {
    let page = try Self.page(number, of: file, path)
    guard AccessLayout.version(of: page.span) == header.version else {
      throw .damaged(path: path)
    }
    return page
  }

  private static func page(
    _ number: Int, of file: borrowing Descriptor, _ path: String
  ) throws(AccessError) -> [UInt8] {
    let page: [UInt8]
    do throws(SystemError) {
      page = try file.read(
        atMost: AccessLayout.pageSize, at: Int64(number * AccessLayout.pageSize), of: path)
    } catch { throw .system(error) }
    guard AccessLayout.isWhole(page.span, number: number) else { throw .damaged(path: path) }
    return page
  }

  /// The number of the first entry of a section whose hash is not below another; the section's count
  /// where there is none.
  ///
  /// Hashes are spread evenly, so it is looked for where it should stand; from a page that misses it,
  /// the way is as long as the difference of the hashes says.
  private borrowing func lowerBound(
    of hash: UInt64, in section: AccessLayout.Section, by hashOf: (Span<UInt8>) -> UInt64
  ) throws(AccessError) -> Int {
    func distance(_ difference: UInt64) -> Int {
      Int(difference.multipliedFullWidth(by: UInt64(section.count)).high)
    }
    // All entries before `low` are below the hash, none from `high` on is.
    var (low, high) = (0, section.count)
    var guess = distance(hash)
    var tries = 0
    while low < high {
      // Where guessing goes on for long, halving is sure to come to an end.
      tries += 1
      let number = tries > 8 ? (low + high) / 2 : min(max(guess, low), high - 1)
      let (page, offset) = section.place(of: number)
      let bytes = try self.page(page)
      let start = number - (offset - AccessLayout.pageHead) / section.size
      let end = min(start + section.perPage, section.count)
      func hashAt(_ index: Int) -> UInt64 {
        let place = AccessLayout.pageHead + (index - start) * section.size
        return hashOf(bytes.span.extracting(place..<place + section.size))
      }
      let (first, last) = (hashAt(start), hashAt(end - 1))
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
          if hashAt(middle) < hash { below = middle } else { above = middle }
        }
        return above
      }
    }
    return high
  }
}
