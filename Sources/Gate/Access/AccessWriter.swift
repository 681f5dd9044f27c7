import Quota
import System

/// Makes an access table of users and sessions that it is given one after another.
package struct AccessWriter {
  private let header: AccessHeader
  private let boundaries: [[Int64]]
  /// Encoded users in the order they came, and where each belongs.
  private var users: [UInt8] = []
  private var userOrder: [Entry] = []
  /// The same of sessions, by their owners; and the hashes of their keys.
  private var sessions: [UInt8] = []
  private var sessionOrder: [Entry] = []
  private var sessionKeys: [UInt32] = []
  private var processes: [AccessProcess] = []

  /// A hash, a session's position in the journal, and the number of what has them.
  private struct Entry: Comparable {
    let hash: UInt64
    var position: Int64 = -1
    let index: UInt32

    static func < (left: Entry, right: Entry) -> Bool {
      if left.hash != right.hash { return left.hash < right.hash }
      return (left.position, left.index) < (right.position, right.index)
    }
  }

  /// - Parameter boundaries: the next moments, in seconds since 1970 in UTC and ascending, at which a
  ///   new period begins, for each rule of periods in use; of each, the first 64 count.
  package init(_ header: AccessHeader, boundaries: [[Int64]] = []) {
    self.header = header
    self.boundaries = boundaries
  }

  /// Adds a user. Of several whose names are looked up alike the first one is found.
  package mutating func add(_ user: AccessUser, named name: [UInt8]) {
    let hash = header.key.hash(header.names.key(of: name))
    userOrder.append(Entry(hash: hash, index: UInt32(userOrder.count)))
    user.append(hash: hash, to: &users)
  }

  /// Adds a live session.
  package mutating func add(_ session: LiveSession) {
    let key = header.key
    let server = key.hash(session.server)
    let owner = key.hash(header.names.key(of: session.owner))
    let process = number(
      of: AccessProcess(
        server: server, pid: session.pid, serverStart: session.serverStart,
        device: session.device))
    sessionOrder.append(
      Entry(hash: owner, position: session.position ?? -1, index: UInt32(sessionOrder.count)))
    sessionKeys.append(
      key.hash(server: server, pid: session.pid, connectedSince: session.connectedSince))
    AccessSession(
      process: process, connectedSince: session.connectedSince, owner: owner,
      received: session.received, sent: session.sent, addresses: session.addresses,
      client: key.hash(clientHost: session.clientHost, port: session.clientPort),
      position: session.position
    ).append(to: &sessions)
  }

  private mutating func number(of process: AccessProcess) -> Int {
    if let known = processes.lastIndex(of: process) { return known }
    processes.append(process)
    return processes.count - 1
  }

  /// Writes the table and puts it in the place of the one before, so that each reader finds a whole
  /// one, also after a power loss.
  ///
  /// - Returns: its size in bytes.
  @discardableResult
  package consuming func publish(in directory: borrowing Directory) throws(SystemError) -> Int64 {
    try directory.remove(Self.draft)
    let file = try directory.create(Self.draft, mode: Self.mode)
    var size: Int64 = 0
    do throws(SystemError) {
      try forEachPiece { piece throws(SystemError) in
        try file.write(piece.span, to: directory.path(of: Self.draft))
        size += Int64(piece.count)
      }
      try file.synchronize(onlyData: true, as: directory.path(of: Self.draft))
      try directory.rename(Self.draft, to: AccessTable.name)
    } catch {
      try? directory.remove(Self.draft)
      throw error
    }
    return size
  }

  private static let draft: StaticString = "access.new"
  private static let mode: UInt32 = 0o640

  /// Gives the table's bytes, in pieces of whole pages.
  package consuming func forEachPiece<Failure: Error>(
    _ body: ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    userOrder.sort()
    sessionOrder.sort()
    let layout = AccessLayout(
      users: userOrder.count, sessions: sessionOrder.count, processes: processes.count,
      rules: boundaries.count)
    var pages = AccessPages(version: header.version)
    pages.append(header.encoded(layout))
    pages.endSection()
    for entry in userOrder {
      let start = Int(entry.index) * AccessUser.size
      pages.append(users[start..<start + AccessUser.size])
      try pages.handOver(body)
    }
    pages.endSection()
    for entry in sessionOrder {
      let start = Int(entry.index) * AccessSession.size
      pages.append(sessions[start..<start + AccessSession.size])
      try pages.handOver(body)
    }
    pages.endSection()
    for entry in index() {
      var bytes: [UInt8] = []
      bytes.append(half: UInt32(truncatingIfNeeded: entry.hash))
      bytes.append(half: entry.index)
      pages.append(bytes)
      try pages.handOver(body)
    }
    pages.endSection()
    for process in processes {
      var bytes: [UInt8] = []
      process.append(to: &bytes)
      pages.append(bytes)
    }
    pages.endSection()
    for moments in boundaries {
      var bytes: [UInt8] = []
      for index in 0..<AccessLayout.mostBoundaries {
        bytes.append(integer: index < moments.count ? moments[index] : .max)
      }
      pages.append(bytes)
    }
    pages.endSection()
    try pages.handOver(all: true, body)
  }

  /// The sessions by their keys; of one key, in the order of the journal.
  private func index() -> [Entry] {
    var entries: [Entry] = []
    entries.reserveCapacity(sessionOrder.count)
    for (number, session) in sessionOrder.enumerated() {
      entries.append(
        Entry(
          hash: UInt64(sessionKeys[Int(session.index)]), position: session.position,
          index: UInt32(number)))
    }
    entries.sort()
    return entries
  }
}

/// Pages that are being filled.
private struct AccessPages {
  private let version: UInt64
  private var done: [UInt8] = []
  private var page: [UInt8] = []
  private var number = 0
  private static let pieceSize = 64 * AccessLayout.pageSize

  init(version: UInt64) {
    self.version = version
    begin()
  }

  mutating func append(_ entry: some Collection<UInt8>) {
    if page.count + entry.count > AccessLayout.pageSize { end() }
    page += entry
  }

  /// What follows begins with a page of its own.
  mutating func endSection() {
    if page.count > AccessLayout.pageHead { end() }
  }

  /// Gives what is there, once it is enough for a write.
  mutating func handOver<Failure: Error>(
    all: Bool = false, _ body: ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    guard all || done.count >= Self.pieceSize, !done.isEmpty else { return }
    try body(done)
    done.removeAll(keepingCapacity: true)
  }

  private mutating func begin() {
    page.removeAll(keepingCapacity: true)
    for _ in 0..<AccessLayout.pageHead { page.append(0) }
  }

  private mutating func end() {
    while page.count < AccessLayout.pageSize { page.append(0) }
    AccessLayout.seal(&page, number: number, version: version)
    done += page
    number += 1
    begin()
  }
}
