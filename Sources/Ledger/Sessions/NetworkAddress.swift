/// An IPv4 or IPv6 address. An IPv4 address is kept as `::ffff:a.b.c.d`, so both spellings of one
/// client are equal.
package struct NetworkAddress: Hashable, Sendable {
  let high: UInt64
  let low: UInt64

  /// No address: the unspecified address `::`.
  package static let none = NetworkAddress(high: 0, low: 0)

  private static let mapped: UInt64 = 0xffff_0000_0000

  package var isNone: Bool { self == .none }
  var isIPv4: Bool { high == 0 && low >> 32 == 0xffff }

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  init(ipv4: UInt32) { self.init(high: 0, low: Self.mapped | UInt64(ipv4)) }

  /// Reads `10.8.0.2`, `fd77::5` or `fe80::1%eth0`.
  ///
  /// - Returns: `none` for anything else.
  package init(text: ArraySlice<UInt8>) {
    self = Self.ipv4(text) ?? Self.ipv6(text) ?? .none
  }

  /// Reads the same.
  package init(text: [UInt8]) { self.init(text: text[...]) }

  /// The address as 4 or 16 bytes, in network order; empty for none.
  package var bytes: [UInt8] {
    if isNone { return [] }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16)
    if isIPv4 {
      for shift in stride(from: 24, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: low >> UInt64(shift)))
      }
      return bytes
    }
    for half in [high, low] {
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: half >> UInt64(shift)))
      }
    }
    return bytes
  }

  /// Takes what `bytes` gave; `none` for another number of bytes.
  init(bytes: Span<UInt8>) {
    func number(_ range: Range<Int>) -> UInt64 {
      var value: UInt64 = 0
      for index in range { value = value << 8 | UInt64(bytes[index]) }
      return value
    }
    switch bytes.count {
    case 4: self.init(ipv4: UInt32(truncatingIfNeeded: number(0..<4)))
    case 16: self.init(high: number(0..<8), low: number(8..<16))
    default: self = .none
    }
  }

  private static func ipv4(_ text: ArraySlice<UInt8>) -> NetworkAddress? {
    var address: UInt32 = 0
    var (part, digits, dots): (UInt32, Int, Int) = (0, 0, 0)
    for byte in text {
      if byte == UInt8(ascii: "."), digits > 0, dots < 3 {
        address = address << 8 | part
        (part, digits, dots) = (0, 0, dots + 1)
      } else if 48...57 ~= byte, digits < 3 {
        part = part * 10 + UInt32(byte - 48)
        digits += 1
        if part > 255 { return nil }
      } else {
        return nil
      }
    }
    return dots == 3 && digits > 0 ? NetworkAddress(ipv4: address << 8 | part) : nil
  }

  /// RFC 4291, section 2.2; the zone of RFC 4007 is dropped.
  private static func ipv6(_ text: ArraySlice<UInt8>) -> NetworkAddress? {
    let address = text.prefix { $0 != UInt8(ascii: "%") }
    let parts = address.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard 3...9 ~= parts.count else { return nil }
    var groups: [UInt16] = []
    var gap: Int?
    for (index, part) in parts.enumerated() {
      if part.isEmpty {
        // A colon too few at either end is none of its own: `::5` has two empty parts.
        let isEdge = index == 0 || index == parts.count - 1
        if isEdge, parts[index == 0 ? 1 : index - 1].isEmpty { continue }
        guard gap == nil, !isEdge else { return nil }
        gap = groups.count
      } else if index == parts.count - 1, let ipv4 = ipv4(part) {
        groups += [
          UInt16(truncatingIfNeeded: ipv4.low >> 16), UInt16(truncatingIfNeeded: ipv4.low),
        ]
      } else {
        guard let group = group(part) else { return nil }
        groups.append(group)
      }
    }
    guard gap == nil ? groups.count == 8 : groups.count < 8 else { return nil }
    if let gap {
      groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
    }
    func half(_ groups: ArraySlice<UInt16>) -> UInt64 { groups.reduce(0) { $0 << 16 | UInt64($1) } }
    return NetworkAddress(high: half(groups[..<4]), low: half(groups[4...]))
  }

  private static func group(_ digits: ArraySlice<UInt8>) -> UInt16? {
    guard 1...4 ~= digits.count else { return nil }
    var value: UInt16 = 0
    for byte in digits {
      switch byte {
      case 48...57: value = value << 4 | UInt16(byte - 48)
      case 65...70: value = value << 4 | UInt16(byte - 55)
      case 97...102: value = value << 4 | UInt16(byte - 87)
      default: return nil
      }
    }
    return value
  }
}

extension NetworkAddress: CustomStringConvertible {
  /// Appends the description's bytes. An IPv4 address is written without a text in between: the access
  /// table takes many.
  func appendText(to text: inout [UInt8]) {
    guard isIPv4 else { return text += description.utf8 }
    let address = UInt32(truncatingIfNeeded: low)
    text.append(decimal: address >> 24)
    text.append(UInt8(ascii: "."))
    text.append(decimal: address >> 16 & 0xFF)
    text.append(UInt8(ascii: "."))
    text.append(decimal: address >> 8 & 0xFF)
    text.append(UInt8(ascii: "."))
    text.append(decimal: address & 0xFF)
  }

  /// `10.8.0.2`, or IPv6 as RFC 5952 has it; empty for none.
  package var description: String {
    if isNone { return "" }
    if isIPv4 {
      var text: [UInt8] = []
      appendText(to: &text)
      return String(decoding: text, as: UTF8.self)
    }
    let groups = [high, low].flatMap { half in
      (0..<4).map { UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * $0)) }
    }
    let zeros = Self.longestRunOfZeros(groups)
    func text(_ groups: ArraySlice<UInt16>) -> String {
      groups.map { String($0, radix: 16) }.joined(separator: ":")
    }
    if zeros.count < 2 { return text(groups[...]) }
    return text(groups[..<zeros.lowerBound]) + "::" + text(groups[zeros.upperBound...])
  }

  private static func longestRunOfZeros(_ groups: [UInt16]) -> Range<Int> {
    var longest = 0..<0
    var start = 0
    for (index, group) in groups.enumerated() {
      if group != 0 {
        start = index + 1
      } else if index + 1 - start > longest.count {
        longest = start..<index + 1
      }
    }
    return longest
  }
}

extension [UInt8] {
  /// Appends a number's digits.
  mutating func append(decimal number: UInt32) {
    if number > 9 {
      if number > 99 {
        if number > 999 { append(decimal: number / 1000) }
        append(48 + UInt8(truncatingIfNeeded: number / 100 % 10))
      }
      append(48 + UInt8(truncatingIfNeeded: number / 10 % 10))
    }
    append(48 + UInt8(truncatingIfNeeded: number % 10))
  }
}

/// Where a client sends from: an address and a port.
package struct RealAddress: Hashable, Sendable {
  package var host: NetworkAddress
  /// 0 where it is not known: up to OpenVPN 2.6 a listing shows IPv6 clients without a port.
  package var port: UInt16

  package static let none = RealAddress(host: .none, port: 0)

  package var isNone: Bool { host.isNone }
  /// Whether it is one client's alone: many may share a host.
  var hasPort: Bool { port != 0 && !isNone }

  package init(host: NetworkAddress, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Takes `untrusted_ip` or `untrusted_ip6`, and `untrusted_port`.
  package init(host: [UInt8], port: [UInt8]) {
    self.init(host: NetworkAddress(text: host), port: Self.port(port[...]) ?? 0)
  }

  /// Reads what a listing shows: `10.77.0.2:35040`, `fd77::5`; from OpenVPN 2.7 on
  /// `udp4:10.77.0.2:35040`, `tcp4-server:10.77.0.2:35040`, `udp6:[fd77::5]:35040`.
  package init(listed text: ArraySlice<UInt8>) {
    var rest = text
    if let first = rest.first, first == UInt8(ascii: "u") || first == UInt8(ascii: "t"),
      let colon = rest.firstIndex(of: UInt8(ascii: ":"))
    {
      rest = rest[rest.index(after: colon)...]
    }
    if rest.first == UInt8(ascii: "["), let end = rest.firstIndex(of: UInt8(ascii: "]")) {
      let host = rest[rest.index(after: rest.startIndex)..<end]
      let port = rest[rest.index(after: end)...]
      self.init(host: NetworkAddress(text: host), port: Self.port(port.dropFirst()) ?? 0)
    } else if let colon = rest.firstIndex(of: UInt8(ascii: ":")),
      rest.lastIndex(of: UInt8(ascii: ":")) == colon
    {
      self.init(
        host: NetworkAddress(text: rest[..<colon]),
        port: Self.port(rest[rest.index(after: colon)...]) ?? 0)
    } else {
      self.init(host: NetworkAddress(text: rest), port: 0)
    }
  }

  private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
    guard 1...5 ~= digits.count else { return nil }
    var value: UInt32 = 0
    for byte in digits {
      guard 48...57 ~= byte else { return nil }
      value = value * 10 + UInt32(byte - 48)
    }
    return UInt16(exactly: value)
  }

  /// The host's bytes and two of the port, in network order; empty for none.
  package var bytes: [UInt8] {
    isNone ? [] : host.bytes + [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]
  }

  /// Takes what `bytes` gave.
  init(bytes: Span<UInt8>) {
    guard bytes.count > 2 else {
      self = .none
      return
    }
    let end = bytes.count - 2
    self.init(
      host: NetworkAddress(bytes: bytes.extracting(0..<end)),
      port: UInt16(bytes[end]) << 8 | UInt16(bytes[end + 1]))
  }
}

extension RealAddress: CustomStringConvertible {
  /// `10.77.0.2:35040`, `[fd77::5]:35040`, or `fd77::5` without a port.
  package var description: String {
    if port == 0 { return host.description }
    return host.isIPv4 ? "\(host):\(port)" : isNone ? "" : "[\(host)]:\(port)"
  }
}
