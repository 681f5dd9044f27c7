import System

/// What the kernel says of our table, by its own protocol (`linux/netfilter/nf_tables.h` over netlink): nft
/// lists everything to answer the smallest question, which takes 0.1 s with 10 000 users.
package struct KernelTable: Equatable, Sendable {
  /// What can be asked; the number is the protocol's, and that of the answers is one less.
  package enum Question: UInt16, Sendable {
    case rules = 7
    case generation = 13
    case counts = 19
  }

  /// The number in the element that each batch exchanges; nil where there is none.
  package private(set) var generation: UInt32?
  /// How many rules each chain has; one that has none is not there.
  package private(set) var rules: [String: Int] = [:]
  package private(set) var counts: FenceUpdate.Counts = [:]
  /// Whether a table of the host's was changed meanwhile, so that something may be missing.
  package private(set) var isInterrupted = false

  package init() {}

  init(generation: UInt32?, rules: [String: Int]) {
    self.generation = generation
    self.rules = rules
  }

  /// Whether it is what was sent, as far as can be told without reading all of it.
  package func isAsSent(_ sent: SentFence, by rules: FenceRules) -> Bool {
    generation == sent.generation && self.rules == rules.sizes
  }

  /// Whether our chains have rules, each of them.
  package var hasRules: Bool {
    FenceRules(count: .total).sizes.keys.allSatisfy { rules[$0] != nil }
  }
}

extension KernelTable.Question {
  /// A message that asks for all that there is of it in our table.
  package var request: [UInt8] {
    // A message's head: its length, its kind, that it asks for a dump, and two numbers that nobody needs;
    // then the family, NFPROTO_INET, and three bytes more.
    var bytes: [UInt8] = []
    bytes.append(native: UInt16(10 << 8) | rawValue)
    bytes.append(native: UInt16(0x301))
    bytes += [0, 0, 0, 0, 0, 0, 0, 0, KernelTable.family, 0, 0, 0]
    bytes.append(attribute: 1, KernelTable.name)
    switch self {
    case .rules: break
    case .generation: bytes.append(attribute: 2, Array("generation\0".utf8))
    // NFT_OBJECT_QUOTA, the highest byte first as all numbers in attributes.
    case .counts: bytes.append(attribute: 3, [0, 0, 0, 2])
    }
    var length: [UInt8] = []
    length.append(native: UInt32(bytes.count + 4))
    return length + bytes
  }
}

extension KernelTable {
  fileprivate static let family: UInt8 = 1
  fileprivate static let name = Array("openvpn_quota\0".utf8)

  /// Takes in what one read from the socket gave.
  ///
  /// - Returns: whether the answer is complete.
  /// - Throws: why the kernel does not answer. Of a table that is not there it has nothing to say.
  package mutating func take(_ bytes: Span<UInt8>) throws(SystemError) -> Bool {
    var start = 0
    while start + 16 <= bytes.count {
      let length = Int(bytes.native(UInt32.self, at: start))
      guard length >= 16, start + length <= bytes.count else { break }
      let message = bytes.extracting(start..<start + length)
      let kind = message.native(UInt16.self, at: 4)
      if message.native(UInt16.self, at: 6) & 0x10 != 0 { isInterrupted = true }
      // NLMSG_ERROR, and NLMSG_DONE, which has an error too.
      if kind == 2 || kind == 3 {
        let error = length < 20 ? 0 : -message.native(Int32.self, at: 16)
        if error > 0, error != SystemError.notFound {
          throw SystemError("ask for", "the kernel's tables", code: error)
        }
        return true
      }
      if length >= 20, message[16] == KernelTable.family { note(message, kind: kind) }
      start += (length + 3) & ~3
    }
    return false
  }

  /// Takes in a message, whose attributes follow its head of 20 bytes.
  private mutating func note(_ message: Span<UInt8>, kind: UInt16) {
    let all = 20..<message.count
    func text(_ number: UInt16) -> [UInt8] {
      message.attribute(number, in: all).map { [UInt8](message.extracting($0)) } ?? []
    }
    guard text(1) == KernelTable.name else { return }
    switch Question(rawValue: kind & 0xFF + 1) {
    case .rules: rules[String(decoding: text(2).dropLast(), as: UTF8.self), default: 0] += 1
    case .generation:
      // A list, of elements, of which each has a key, which has a value.
      if let key = message.attribute(3, 1, 1, 1, in: all), key.count == 4 {
        generation = message.native(UInt32.self, at: key.lowerBound)
      }
    case .counts:
      let name = text(2)
      guard name.starts(with: "u_".utf8), name.count > 18,
        let user = UInt64(String(decoding: name[2..<18], as: UTF8.self), radix: 16),
        let count = message.attribute(4, 4, in: all), count.count == 8
      else { return }
      let number = UInt64(bigEndian: message.native(UInt64.self, at: count.lowerBound))
      counts[user] = Int64(clamping: number)
    case nil: break
    }
  }
}

extension Span<UInt8> {
  /// Where the content of an attribute stands: of the first with a number, in that of the first with the
  /// next number, and so on.
  fileprivate func attribute(_ numbers: UInt16..., in range: Range<Int>) -> Range<Int>? {
    var found = range
    for number in numbers {
      guard let next = attribute(number, in: found) else { return nil }
      found = next
    }
    return found
  }

  /// An attribute has its length, its number, and its content, and ends at a multiple of four bytes.
  private func attribute(_ number: UInt16, in range: Range<Int>) -> Range<Int>? {
    var start = range.lowerBound
    while start + 4 <= range.upperBound {
      let length = Int(native(UInt16.self, at: start))
      guard length >= 4, start + length <= range.upperBound else { return nil }
      // The two highest bits say how it is written.
      if native(UInt16.self, at: start + 2) & 0x3FFF == number {
        return start + 4..<start + length
      }
      start += (length + 3) & ~3
    }
    return nil
  }
}

// Numbers in the order of bytes that this machine has.

extension Span<UInt8> {
  fileprivate func native<Number: FixedWidthInteger & BitwiseCopyable>(
    _ type: Number.Type, at index: Int
  ) -> Number {
    precondition(index >= 0 && index + MemoryLayout<Number>.size <= count)
    return unsafe withUnsafeBytes {
      unsafe $0.loadUnaligned(fromByteOffset: index, as: Number.self)
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(native number: some FixedWidthInteger) {
    unsafe Swift.withUnsafeBytes(of: number) { unsafe append(contentsOf: $0) }
  }

  fileprivate mutating func append(attribute number: UInt16, _ value: [UInt8]) {
    append(native: UInt16(value.count + 4))
    append(native: number)
    self += value
    while count % 4 != 0 { append(0) }
  }
}
