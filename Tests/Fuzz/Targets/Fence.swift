import System

@testable import Fence

extension FuzzTarget {
  /// What the kernel was last told: how many users in the first byte, then the file without its
  /// beginning. The counts and the checksum are what they should be, which no fuzzer would guess.
  static let fence = FuzzTarget("fence") { bytes throws(Broken) in
    _ = SentFence(bytes.span)
    let file = file(bytes)
    guard let sent = SentFence(file.span) else {
      throw Broken("a file is read whose counts and checksum are right")
    }
    try same(sent.users.count <= Int(bytes.first ?? 0), true, "it has no more users than it says")
    for cut in [1, 8, file.count / 2] {
      let part = Array(file.dropLast(cut))
      try require(SentFence(part.span) == nil, "one that was cut is no file")
    }
    // Only names that a device may have are written.
    guard sent.places.keys.allSatisfy({ $0.device.utf8.count <= 16 }) else { return }
    let again = SentFence(sent.encoded().span)
    try same(again?.users, sent.users, "the users")
    try same(again?.places, sent.places, "the places")
    try same(again?.sweep, sent.sweep, "the sweep")
    try same(again?.rules, sent.rules, "the rules")
  }

  private static func file(_ bytes: [UInt8]) -> [UInt8] {
    var empty = SentFence(FenceRun(generation: 1, sweep: 0, boot: 0), rules: 0)
    let head = empty.encoded().dropLast(8)
    empty.users[0] = SentFence.User()
    let userSize = empty.encoded().count - 8 - head.count
    let device = Fence.Place(device: "", address: InternetAddress(bytes: [0, 0, 0, 0]))
    empty.places[device] = 0
    let placeSize = empty.encoded().count - 8 - head.count - userSize
    var body = bytes.dropFirst()
    // Between the generation and the two counts.
    let size = head.count - 32
    let given = Array(body.prefix(size)) + [UInt8](repeating: 0, count: max(0, size - body.count))
    body = body.dropFirst(size)
    let users = min(Int(bytes.first ?? 0), body.count / userSize)
    let places = (body.count - users * userSize) / placeSize
    var file = Array(head.prefix(16)) + given
    file.append(integer: Int64(users))
    file.append(integer: Int64(places))
    file += body.prefix(users * userSize + places * placeSize)
    file.append(word: checksum(file.span))
    return file
  }
}
