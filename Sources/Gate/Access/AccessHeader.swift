import Quota

/// What the access table says of itself and of everybody.
package struct AccessHeader: Equatable, Sendable {
  /// Random bits that no other table has; the database has those of the table that is in force.
  package var version: UInt64
  /// Random bits for the hash of names.
  package var key: AccessKey
  /// What of the journal the table includes: a generation, and an absolute position in it.
  package var generation: UInt64
  package var position: Int64
  /// The number of the machine's boot when it was written, see `Boot`; its sessions are of that boot.
  package var boot: Int64?
  /// When it was written, in seconds since 1970 in UTC.
  package var writtenAt: Int64
  /// The settings of the same names.
  package var onError: OnError
  package var unknownUsers: UnknownUsers
  package var defaultQuota: Int64
  package var identifyBy: IdentifyBy
  package var names: Names
  package var count: Count
  package var fence: Bool

  package init(
    version: UInt64, key: AccessKey, generation: UInt64 = 0, position: Int64 = 0,
    boot: Int64? = nil, writtenAt: Int64, onError: OnError = .allow,
    unknownUsers: UnknownUsers = .allow, defaultQuota: Int64 = 0,
    identifyBy: IdentifyBy = .auto, names: Names = .exact, count: Count = .total,
    fence: Bool = false
  ) {
    self.version = version
    self.key = key
    self.generation = generation
    self.position = position
    self.boot = boot
    self.writtenAt = writtenAt
    self.onError = onError
    self.unknownUsers = unknownUsers
    self.defaultQuota = defaultQuota
    self.identifyBy = identifyBy
    self.names = names
    self.count = count
    self.fence = fence
  }

  /// Whether what tables have of users and sessions means the same under both.
  package func sharesEntries(with other: AccessHeader) -> Bool {
    key == other.key && count == other.count && names == other.names
  }

  /// The hash by which the user with a name is looked up.
  package func hash(of name: Span<UInt8>) -> UInt64 {
    names == .exact ? key.hash(name) : key.hash(names.key(of: [UInt8](name)))
  }
}
