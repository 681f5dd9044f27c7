import Quota
import System

/// Where things stand in the access table: pages of one size, each with a checksum and the table's
/// version, in sections: the header, users by their hash, sessions by their owner's hash, an index of
/// the sessions by their key, processes, boundaries of periods, rates, and what users may have here who are
/// on other hosts as well.
struct AccessLayout: Equatable {
  static let pageSize = 4096
  /// Bytes of a page before its content: checksum and version.
  static let pageHead = 16
  static let content = pageSize - pageHead
  /// Bytes of an entry in the index: the key's hash and the session's number.
  static let indexSize = 8
  /// Bytes of a share: the hash of the user's name, and three numbers.
  static let shareSize = 32
  /// The most boundaries a rule has; unused ones are `Int64.max`.
  static let mostBoundaries = 64

  /// A run of pages with entries of one size, none across two pages.
  struct Section: Equatable {
    let firstPage: Int
    let count: Int
    let size: Int

    var perPage: Int { AccessLayout.content / size }
    var pages: Int { (count + perPage - 1) / perPage }
    var end: Int { firstPage + pages }
    /// The page of an entry, and where in that page it begins.
    func place(of index: Int) -> (page: Int, offset: Int) {
      (firstPage + index / perPage, AccessLayout.pageHead + index % perPage * size)
    }
  }

  let users: Section
  let sessions: Section
  let index: Section
  let processes: Section
  let boundaries: Section
  let rates: Section
  let shares: Section

  init(users: Int, sessions: Int, processes: Int, rules: Int, rates: Int, shares: Int) {
    self.users = Section(firstPage: 1, count: users, size: AccessUser.size)
    self.sessions = Section(firstPage: self.users.end, count: sessions, size: AccessSession.size)
    index = Section(firstPage: self.sessions.end, count: sessions, size: Self.indexSize)
    self.processes = Section(firstPage: index.end, count: processes, size: AccessProcess.size)
    boundaries = Section(
      firstPage: self.processes.end, count: rules, size: Self.mostBoundaries * 8)
    self.rates = Section(firstPage: boundaries.end, count: rates, size: AccessRates.size)
    self.shares = Section(firstPage: self.rates.end, count: shares, size: Self.shareSize)
  }

  /// Puts checksum and version before a page's content; the page's number is in the checksum, so that
  /// one in the wrong place is damaged too.
  static func seal(_ bytes: inout [UInt8], at start: Int = 0, number: Int, version: UInt64) {
    bytes.set(word: version, at: start + 8)
    let sum = pageSum(bytes.span.extracting(start..<start + pageSize), number)
    bytes.set(word: sum, at: start)
  }

  /// Whether a page is whole, and stands where it belongs.
  static func isWhole(_ page: Span<UInt8>, number: Int) -> Bool {
    page.count == pageSize && page.word(at: 0) == pageSum(page, number)
  }

  static func version(of page: Span<UInt8>) -> UInt64 { page.word(at: 8) }

  private static func pageSum(_ page: Span<UInt8>, _ number: Int) -> UInt64 {
    checksum(page.extracting(8...)) ^ mixed(UInt64(number))
  }
}

extension AccessHeader {
  /// `quota-ac`
  private static let magic: UInt64 = 0x6361_2D61_746F_7571
  private static let format: UInt32 = 2

  /// The content of the first page.
  func encoded(_ layout: AccessLayout) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(word: Self.magic)
    bytes.append(half: Self.format)
    for choice in [
      onError.rawValue, unknownUsers.rawValue, identifyBy.rawValue, count.rawValue, names.rawValue,
      fence ? 1 : 0, 0,
    ] { bytes.append(half: UInt32(choice)) }
    for word in [key.first, key.second, generation] { bytes.append(word: word) }
    for number in [position, boot ?? -1, writtenAt, defaultQuota] { bytes.append(integer: number) }
    for count in [
      layout.users.count, layout.sessions.count, layout.processes.count, layout.boundaries.count,
      layout.rates.count, layout.shares.count,
    ] { bytes.append(integer: Int64(count)) }
    return bytes
  }

  /// Reads a page that is whole.
  ///
  /// - Returns: nil where it is of another format.
  static func decoded(_ page: Span<UInt8>) -> (header: AccessHeader, layout: AccessLayout)? {
    let bytes = page.extracting(AccessLayout.pageHead...)
    func choice(_ index: Int) -> Int { Int(bytes.half(at: 12 + 4 * index)) }
    guard bytes.word(at: 0) == magic, bytes.half(at: 8) == format,
      let onError = OnError(rawValue: choice(0)),
      let unknownUsers = UnknownUsers(rawValue: choice(1)),
      let identifyBy = IdentifyBy(rawValue: choice(2)), let count = Count(rawValue: choice(3)),
      let names = Names(rawValue: choice(4))
    else { return nil }
    let boot = bytes.integer(at: 72)
    let header = AccessHeader(
      version: AccessLayout.version(of: page),
      key: AccessKey(first: bytes.word(at: 40), second: bytes.word(at: 48)),
      generation: bytes.word(at: 56), position: bytes.integer(at: 64),
      boot: boot < 0 ? nil : boot, writtenAt: bytes.integer(at: 80), onError: onError,
      unknownUsers: unknownUsers, defaultQuota: bytes.integer(at: 88), identifyBy: identifyBy,
      names: names, count: count, fence: choice(5) != 0)
    let counts = (0..<6).map { Int(clamping: bytes.word(at: 96 + 8 * $0)) & 0xFFFF_FFFF }
    let layout = AccessLayout(
      users: counts[0], sessions: counts[1], processes: counts[2], rules: counts[3],
      rates: counts[4], shares: counts[5])
    return (header, layout)
  }
}
