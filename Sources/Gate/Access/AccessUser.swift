/// What the access table says of a user, to be judged at any later moment.
package struct AccessUser: Equatable, Sendable {
  /// Whether an administrator lets the user in at all.
  package var isEnabled: Bool
  /// Whether the user is metered only.
  package var isExempt: Bool
  /// Bytes used in the present period, as `COUNT` counts them.
  package var used: Int64
  /// The bytes at which the user is refused, grace and grants included, 0 for never.
  package var limit: Int64
  /// The same after the next boundary of the user's period, and after the one that follows it.
  package var nextLimit: Int64
  package var laterLimit: Int64
  /// Which of the header's boundaries are the user's; nil where no new period begins.
  package var rule: Int?
  /// The second of UTC from which on the user may not be in; nil for never.
  package var expiresAt: Int64?
  /// Sessions at once, 0 for any number, -1 for none; the table has 65 534 at most.
  package var maxSessions: Int64
  /// Which of the table's rates are the user's; nil for none.
  package var rates: Int?

  package init(
    isEnabled: Bool = true, isExempt: Bool = false, used: Int64 = 0, limit: Int64 = 0,
    nextLimit: Int64? = nil, laterLimit: Int64? = nil, rule: Int? = nil, expiresAt: Int64? = nil,
    maxSessions: Int64 = 0, rates: Int? = nil
  ) {
    self.isEnabled = isEnabled
    self.isExempt = isExempt
    self.used = used
    self.limit = limit
    self.nextLimit = nextLimit ?? limit
    self.laterLimit = laterLimit ?? nextLimit ?? limit
    self.rule = rule
    self.expiresAt = expiresAt
    self.maxSessions = maxSessions
    self.rates = rates
  }
}

extension AccessUser {
  /// Bytes of a user in the table.
  package static let size = 56
  private static let noExpiry = Int64.max
  private static let noRule = UInt32.max
  private static let noRates: UInt32 = 0xFFFF
  private static let noSessions: UInt32 = 0xFFFF

  /// As it stands in the table.
  package func append(hash: UInt64, to bytes: inout [UInt8]) {
    let start = bytes.appendZeros(Self.size)
    bytes.set(word: hash, at: start)
    bytes.set(integer: used, at: start + 8)
    bytes.set(integer: limit, at: start + 16)
    bytes.set(integer: nextLimit, at: start + 24)
    bytes.set(integer: laterLimit, at: start + 32)
    bytes.set(integer: expiresAt ?? Self.noExpiry, at: start + 40)
    let flags: UInt32 = (isEnabled ? 1 : 0) | (isExempt ? 2 : 0)
    let rule = rule.map { UInt32(clamping: $0) } ?? Self.noRule
    bytes.set(half: flags << 24 | min(rule, 0xFF_FFFF), at: start + 48)
    let rates = rates.map { min(UInt32(clamping: $0), Self.noRates - 1) } ?? Self.noRates
    let sessions =
      maxSessions < 0 ? Self.noSessions : min(UInt32(clamping: maxSessions), Self.noSessions - 1)
    bytes.set(half: rates << 16 | sessions, at: start + 52)
  }

  /// The hash of a name, in what `append` wrote for several users.
  package static func nameHash(at index: Int, of bytes: [UInt8]) -> UInt64 {
    bytes.span.word(at: index * size)
  }

  /// Reads what `append` wrote.
  init(_ bytes: Span<UInt8>) {
    let flagsAndRule = bytes.half(at: 48)
    let rule = flagsAndRule & 0xFF_FFFF
    let expiry = bytes.integer(at: 40)
    let (rates, sessions) = (bytes.half(at: 52) >> 16, bytes.half(at: 52) & 0xFFFF)
    self.init(
      isEnabled: flagsAndRule >> 24 & 1 != 0, isExempt: flagsAndRule >> 24 & 2 != 0,
      used: bytes.integer(at: 8), limit: bytes.integer(at: 16), nextLimit: bytes.integer(at: 24),
      laterLimit: bytes.integer(at: 32), rule: rule == 0xFF_FFFF ? nil : Int(rule),
      expiresAt: expiry == Self.noExpiry ? nil : expiry,
      maxSessions: sessions == Self.noSessions ? -1 : Int64(sessions),
      rates: rates == Self.noRates ? nil : Int(rates))
  }
}
