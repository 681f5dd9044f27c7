import Gate
import System

/// What the kernel was last told, and it holds unless another program changed it.
package struct SentFence: Equatable, Sendable {
  /// A user as the kernel has them.
  package struct User: Equatable, Sendable {
    var isRefused = false
    package internal(set) var quota: Quota?
    var rates = AccessRates()
  }

  /// A quota object: it drops what goes beyond `size`, of packets as `PacketCount` has them.
  ///
  /// The object's count stood at `base` when the ledger said that the user had used `used`, so it may
  /// grow by what is left then. As long as the limit stays, the object is right however much is used.
  package struct Quota: Equatable, Sendable {
    package internal(set) var limit: Int64
    package internal(set) var used: Int64
    package internal(set) var base: Int64
    package internal(set) var size: Int64
  }

  /// The number in the element that each batch exchanges: one that finds another fails.
  package internal(set) var generation: UInt32
  /// The checksum of the chains and sets.
  package internal(set) var rules: UInt64
  /// When the sweep ended by whose listing it was last corrected, in seconds since 1970 in UTC.
  package internal(set) var sweep: Int64
  package internal(set) var users: [UInt64: User] = [:]
  package internal(set) var places: [Fence.Place: UInt64] = [:]
  /// What the ledger said that users with a quota had used, when this was sent.
  var used: [UInt64: Int64] = [:]

  init(generation: UInt32, rules: UInt64, sweep: Int64) {
    self.generation = generation
    self.rules = rules
    self.sweep = sweep
  }
}

// The file `fence` in the state directory, mode 0600, written anew and renamed into place after each
// batch that changed anything.
extension SentFence {
  /// `quota-fe`
  private static let magic: UInt64 = 0x6566_2D61_746F_7571
  private static let format: UInt64 = 1
  private static let headSize = 48
  private static let userSize = 56 + AccessRates.size
  private static let placeSize = 48
  private static let deviceSize = 16
  private static let name: StaticString = "fence"
  private static let draft: StaticString = "fence.new"
  private static let largest = 256 << 20

  /// Reads what was sent last; nil where that is not known: then all has to be sent anew.
  package init?(in directory: borrowing Directory) {
    guard let file = try? directory.openFile(Self.name, for: .read),
      let bytes = try? file.descriptor.readToEnd(of: file.path, limit: Self.largest)
    else { return nil }
    self.init(bytes.span)
  }

  /// Writes the file. The kernel has all of it already: where this fails, all is sent anew.
  package func write(in directory: borrowing Directory) throws(SystemError) {
    try directory.remove(Self.draft)
    let file = try directory.create(Self.draft, mode: 0o600)
    try file.write(encoded().span, to: directory.path(of: Self.draft))
    try directory.rename(Self.draft, to: Self.name)
  }

  /// Whether anything was sent, as far as the file says.
  package static func isKnown(in directory: borrowing Directory) -> Bool {
    ((try? directory.status(of: name)) ?? nil) != nil
  }

  package static func forget(in directory: borrowing Directory) throws(SystemError) {
    try directory.remove(name)
  }

  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(
      Self.headSize + users.count * Self.userSize + places.count * Self.placeSize + 8)
    bytes.append(word: Self.magic)
    bytes.append(word: Self.format << 32 | UInt64(generation))
    bytes.append(word: rules)
    bytes.append(integer: sweep)
    bytes.append(integer: Int64(users.count))
    bytes.append(integer: Int64(places.count))
    for (hash, user) in users {
      bytes.append(word: hash)
      bytes.append(word: user.isRefused ? 1 : 0)
      // No limit is below 0.
      for number in [
        user.quota?.limit ?? -1, user.quota?.used ?? 0, user.quota?.base ?? 0,
        user.quota?.size ?? 0, used[hash] ?? 0,
      ] { bytes.append(integer: number) }
      user.rates.append(to: &bytes)
    }
    for (place, owner) in places {
      bytes.append(word: owner)
      let device = place.device.utf8
      bytes += device
      for _ in device.count..<Self.deviceSize { bytes.append(0) }
      let address = place.address.bytes
      bytes.append(word: UInt64(address.count))
      bytes += address
      for _ in address.count..<16 { bytes.append(0) }
    }
    bytes.append(word: checksum(bytes.span))
    return bytes
  }

  /// Reads what `encoded` gave; nil for anything else.
  init?(_ bytes: Span<UInt8>) {
    guard bytes.count >= Self.headSize + 8, bytes.word(at: 0) == Self.magic,
      bytes.word(at: 8) >> 32 == Self.format,
      bytes.word(at: bytes.count - 8) == checksum(bytes.extracting(..<(bytes.count - 8)))
    else { return nil }
    self.init(
      generation: UInt32(truncatingIfNeeded: bytes.word(at: 8)), rules: bytes.word(at: 16),
      sweep: bytes.integer(at: 24))
    let (userCount, placeCount) = (bytes.integer(at: 32), bytes.integer(at: 40))
    guard 0...Int64(bytes.count) ~= userCount, 0...Int64(bytes.count) ~= placeCount,
      bytes.count == Self.headSize + 8 + Int(userCount) * Self.userSize
        + Int(placeCount) * Self.placeSize
    else { return nil }
    var start = Self.headSize
    users.reserveCapacity(Int(userCount))
    for _ in 0..<userCount {
      let limit = bytes.integer(at: start + 16)
      if limit >= 0 { used[bytes.word(at: start)] = bytes.integer(at: start + 48) }
      users[bytes.word(at: start)] = User(
        isRefused: bytes.word(at: start + 8) != 0,
        quota: limit < 0
          ? nil
          : Quota(
            limit: limit, used: bytes.integer(at: start + 24), base: bytes.integer(at: start + 32),
            size: bytes.integer(at: start + 40)),
        rates: AccessRates(
          bytes.extracting(start + 56..<start + 56 + AccessRates.size)))
      start += Self.userSize
    }
    places.reserveCapacity(Int(placeCount))
    for _ in 0..<placeCount {
      let device = [UInt8](bytes.extracting(start + 8..<start + 24)).prefix { $0 != 0 }
      let size = bytes.word(at: start + 24) == 4 ? 4 : 16
      let place = Fence.Place(
        device: String(decoding: device, as: UTF8.self),
        address: InternetAddress(bytes: [UInt8](bytes.extracting(start + 32..<start + 32 + size))))
      places[place] = bytes.word(at: start)
      start += Self.placeSize
    }
  }
}
