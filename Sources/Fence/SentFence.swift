import Gate
import Quota
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
    /// Which of the user's objects it is, for its name.
    package internal(set) var number: UInt32
    package internal(set) var limit: Int64
    package internal(set) var used: Int64
    package internal(set) var base: Int64 = 0
    package internal(set) var size: Int64 = 0
    /// See `Fence.Allowance`.
    package internal(set) var elsewhere: Int64?
    package internal(set) var isShare = false
  }

  /// The run that sent it.
  package internal(set) var run: FenceRun
  /// The checksum of the chains and sets.
  package internal(set) var rules: UInt64
  /// How the kernel's counts stood when they were last read after a sweep.
  package internal(set) var comparison = Comparison()
  package internal(set) var users: [UInt64: User] = [:]
  package internal(set) var places: [Fence.Place: UInt64] = [:]
  /// What the ledger said that users with a quota had used, when this was sent.
  var used: [UInt64: Int64] = [:]

  init(_ run: FenceRun, rules: UInt64) {
    self.run = run
    self.rules = rules
  }

  /// The number in the element that each batch exchanges: one that finds another fails.
  package var generation: UInt32 { run.generation }
  /// When the last sweep ended before it was sent.
  package var sweep: Int64 { run.sweep }

  /// Whether the kernel may still have it, with the rules that hold now.
  package func isKnown(under rules: FenceRules, in run: FenceRun) -> Bool {
    self.rules == rules.checksum && self.run.boot == run.boot
  }
}

/// What the kernel and OpenVPN counted of the same users since their objects were last corrected, in
/// bytes inside the tunnel.
package struct Comparison: Equatable, Sendable {
  package internal(set) var kernel: Int64 = 0
  package internal(set) var openvpn: Int64 = 0
  /// Of the user for whom they are the furthest apart.
  package internal(set) var furthestKernel: Int64 = 0
  package internal(set) var furthestOpenVPN: Int64 = 0
  /// Less of a user says nothing: a listing is a moment older than the kernel's count.
  private static let least: Int64 = 10_000_000

  package init() {}

  mutating func add(_ openvpn: Int64, counted kernel: Int64) {
    guard openvpn >= Self.least else { return }
    self.kernel = saturatingSum(self.kernel, kernel)
    self.openvpn = saturatingSum(self.openvpn, openvpn)
    if furthestOpenVPN == 0
      || abs(Self.difference(kernel, openvpn))
        > abs(Self.difference(furthestKernel, furthestOpenVPN))
    {
      (furthestKernel, furthestOpenVPN) = (kernel, openvpn)
    }
  }

  /// How much more the kernel counted than OpenVPN, in thousandths.
  package static func difference(_ kernel: Int64, _ openvpn: Int64) -> Int64 {
    Int64((Double(kernel) - Double(openvpn)) * 1000 / Double(max(openvpn, 1)))
  }
}

// The file `fence` in the state directory, mode 0600, written anew and renamed into place after each
// batch that changed anything.
extension SentFence {
  /// `quota-fe`
  private static let magic: UInt64 = 0x6566_2D61_746F_7571
  private static let format: UInt64 = 3
  private static let headSize = 88
  private static let userSize = 72 + AccessRates.size
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

  /// When the last sweep ended that a run came after, in seconds since 1970; nil where there was none.
  package static func lastSweep(in directory: borrowing Directory) -> Int64? {
    guard let file = try? directory.openFile(name, for: .read),
      let bytes = try? file.descriptor.readStart(atMost: headSize, of: file.path),
      bytes.count == headSize, bytes.span.word(at: 0) == magic,
      bytes.span.word(at: 8) >> 32 == format
    else { return nil }
    let sweep = bytes.span.integer(at: 24)
    return sweep == 0 ? nil : sweep
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
    for number in [
      run.sweep, run.boot, comparison.kernel, comparison.openvpn, comparison.furthestKernel,
      comparison.furthestOpenVPN, Int64(users.count), Int64(places.count),
    ] { bytes.append(integer: number) }
    for (hash, user) in users {
      bytes.append(word: hash)
      bytes.append(word: (user.isRefused ? 1 : 0) | (user.quota?.isShare == true ? 2 : 0))
      // No limit is below 0, and no usage.
      for number in [
        user.quota?.limit ?? -1, user.quota?.used ?? 0, user.quota?.base ?? 0,
        user.quota?.size ?? 0, used[hash] ?? 0, Int64(user.quota?.number ?? 0),
        user.quota?.elsewhere ?? -1,
      ] { bytes.append(integer: number) }
      user.rates.append(to: &bytes)
    }
    for (place, owner) in places {
      bytes.append(word: owner)
      let device = place.device.utf8
      bytes += device
      for _ in device.count..<Self.deviceSize { bytes.append(0) }
      let address = place.network.address.bytes
      bytes.append(word: UInt64(address.count | place.network.prefix << 8))
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
      FenceRun(
        generation: UInt32(truncatingIfNeeded: bytes.word(at: 8)), sweep: bytes.integer(at: 24),
        boot: bytes.integer(at: 32)),
      rules: bytes.word(at: 16))
    comparison.kernel = bytes.integer(at: 40)
    comparison.openvpn = bytes.integer(at: 48)
    comparison.furthestKernel = bytes.integer(at: 56)
    comparison.furthestOpenVPN = bytes.integer(at: 64)
    let (userCount, placeCount) = (bytes.integer(at: 72), bytes.integer(at: 80))
    guard 0...Int64(bytes.count) ~= userCount, 0...Int64(bytes.count) ~= placeCount,
      bytes.count == Self.headSize + 8 + Int(userCount) * Self.userSize
        + Int(placeCount) * Self.placeSize
    else { return nil }
    var start = Self.headSize
    users.reserveCapacity(Int(userCount))
    for _ in 0..<userCount {
      let (flags, limit) = (bytes.word(at: start + 8), bytes.integer(at: start + 16))
      var user = User(isRefused: flags & 1 != 0)
      if limit >= 0 {
        used[bytes.word(at: start)] = bytes.integer(at: start + 48)
        var quota = Quota(
          number: UInt32(truncatingIfNeeded: bytes.integer(at: start + 56)), limit: limit,
          used: bytes.integer(at: start + 24), base: bytes.integer(at: start + 32),
          size: bytes.integer(at: start + 40))
        let elsewhere = bytes.integer(at: start + 64)
        quota.elsewhere = elsewhere < 0 ? nil : elsewhere
        quota.isShare = flags & 2 != 0
        user.quota = quota
      }
      user.rates = AccessRates(bytes.extracting(start + 72..<start + Self.userSize))
      users[bytes.word(at: start)] = user
      start += Self.userSize
    }
    places.reserveCapacity(Int(placeCount))
    var (name, device): ([UInt8], String) = ([], "")
    for _ in 0..<placeCount {
      let written = [UInt8](bytes.extracting(start + 8..<start + 24))
      if written != name {
        name = written
        device = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
      }
      let size = bytes[start + 24] == 4 ? 4 : 16
      let address = InternetAddress(
        bytes: [UInt8](bytes.extracting(start + 32..<start + 32 + size)))
      let (host, prefix) = (InternetNetwork(address), Int(bytes[start + 25]))
      let network =
        prefix == host.prefix ? host : InternetNetwork(of: address, prefix: prefix) ?? host
      places[Fence.Place(device: device, network: network)] = bytes.word(at: start)
      start += Self.placeSize
    }
  }
}
