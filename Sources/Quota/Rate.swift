/// How fast a user may be: bits per second towards the user and from them, of packets in the tunnel.
package struct Rate: Hashable, Sendable {
  /// Bits per second to the user: their download.
  package let down: Int64
  /// Bits per second from the user: their upload.
  package let up: Int64
  /// Whether both directions together share one rate; `down` and `up` are both it then.
  package let isShared: Bool

  /// The bits per second there may be: 8 kbit, below which no connection lives, to 1000 Gbit.
  package static let range: ClosedRange<Int64> = 8000...1_000_000_000_000

  /// A rate that both directions share; nil outside the range.
  package init?(shared bits: Int64) {
    guard Rate.range.contains(bits) else { return nil }
    (down, up, isShared) = (bits, bits, true)
  }

  /// A rate for each direction; nil where one is outside the range.
  package init?(down: Int64, up: Int64) {
    guard Rate.range.contains(down), Rate.range.contains(up) else { return nil }
    (self.down, self.up, isShared) = (down, up, false)
  }
}

extension Rate {
  /// In each direction the slower of this one and another; nil stands for no limit.
  package func atMost(_ other: Rate?) -> Rate? {
    guard let other else { return self }
    if down <= other.down, up <= other.up { return self }
    if other.down <= down, other.up <= up { return other }
    return Rate(down: min(down, other.down), up: min(up, other.up))
  }
}

extension Rate: CustomStringConvertible {
  /// Reads `1Mbit`, `512 kbit`, `1.5Mbit`, or `10Mbit/2Mbit` for the two directions. Units are powers
  /// of 1000, in any case; a part of one bit is dropped.
  ///
  /// - Throws: `RateError`, whose description says what is allowed.
  package init(parsing text: String) throws(RateError) {
    let bytes = Array(text.utf8)
    guard let slash = bytes.firstIndex(of: UInt8(ascii: "/")) else {
      let bits = try Rate.bits(bytes[...])
      (down, up, isShared) = (bits, bits, true)
      return
    }
    down = try Rate.bits(bytes[..<slash])
    up = try Rate.bits(bytes[(slash + 1)...])
    isShared = false
  }

  /// Exactly what `init(parsing:)` reads back: `1.5Mbit`, `10Mbit/2Mbit`.
  package var description: String {
    isShared ? Rate.text(down) : "\(Rate.text(down))/\(Rate.text(up))"
  }

  private static let units: [(name: StaticString, places: Int)] = [
    ("gbit", 9), ("mbit", 6), ("kbit", 3), ("bit", 0),
  ]

  private static func bits(_ text: ArraySlice<UInt8>) throws(RateError) -> Int64 {
    var text = text
    while text.first == 32 { text.removeFirst() }
    while text.last == 32 { text.removeLast() }
    if text.isEmpty { throw .empty }
    let number = text.prefix { 48...57 ~= $0 || $0 == UInt8(ascii: ".") }
    var unit = text[number.endIndex...]
    while unit.first == 32 { unit.removeFirst() }
    let name = Array(unit)
    if name.isEmpty { throw .withoutUnit }
    guard let known = units.first(where: { index(of: name.span, among: $0.name) == 0 }) else {
      throw index(of: name.span, among: "s kb mb gb b kib mib gib") == nil ? .malformed : .bytes
    }
    return try scaled(number, by: known.places)
  }

  /// A decimal number times a power of ten.
  private static func scaled(
    _ number: ArraySlice<UInt8>, by places: Int
  ) throws(RateError) -> Int64 {
    let point = number.firstIndex(of: UInt8(ascii: ".")) ?? number.endIndex
    let whole = number[..<point]
    let fraction = number[point...].dropFirst()
    guard !whole.isEmpty, point == number.endIndex || !fraction.isEmpty,
      !fraction.contains(UInt8(ascii: "."))
    else { throw .malformed }
    // No rate in the range has more digits than these.
    guard whole.drop(while: { $0 == 48 }).count <= 13 else { throw .outOfRange }
    var bits: Int64 = 0
    for digit in whole { bits = bits * 10 + Int64(digit - 48) }
    for place in 0..<places {
      let digit = place < fraction.count ? fraction[fraction.startIndex + place] - 48 : 0
      guard bits <= range.upperBound else { throw .outOfRange }
      bits = bits * 10 + Int64(digit)
    }
    guard range.contains(bits) else { throw .outOfRange }
    return bits
  }

  private static func text(_ bits: Int64) -> String {
    let (name, places) =
      bits >= 1_000_000_000 ? ("Gbit", 9) : bits >= 1_000_000 ? ("Mbit", 6) : ("kbit", 3)
    var unit: Int64 = 1
    for _ in 0..<places { unit *= 10 }
    var text = "\(bits / unit)"
    var rest = bits % unit
    if rest > 0 { text += "." }
    while rest > 0 {
      unit /= 10
      text += "\(rest / unit)"
      rest %= unit
    }
    return text + name
  }
}

/// What terms say of a rate: one, or that there is none, which a user may have in place of a plan's.
package enum RateTerm: Equatable, Sendable {
  case unlimited
  case limited(Rate)

  package var rate: Rate? { if case .limited(let rate) = self { rate } else { nil } }

  /// The rate, or a word for none.
  package func words(for none: String) -> String { rate?.description ?? none }

  package init(_ rate: Rate?) { self = rate.map { .limited($0) } ?? .unlimited }
}

/// Why a text is not a rate; its description ends with what is allowed.
package enum RateError: String, Error, CustomStringConvertible {
  case empty = "a rate is missing"
  case withoutUnit = "a rate has a unit"
  case bytes = "a rate is in bits, such as kbit or Mbit, and without /s"
  case outOfRange = "a rate is from 8kbit to 1000Gbit"
  case malformed = "not a rate"

  /// The rates that can be written, for the end of a message.
  package static let allowed =
    "allowed is a number with kbit, Mbit or Gbit (a second; powers of 1000), such as 1Mbit, or "
    + "DOWN/UP, such as 10Mbit/2Mbit"

  package var description: String {
    self == .outOfRange ? rawValue : "\(rawValue); \(RateError.allowed)"
  }
}
