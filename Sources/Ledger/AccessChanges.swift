import Gate
import Quota
import SQLite

/// What this process has changed since the access table was published that is there. The next table is
/// that one with these changes, a small part of the work of a new one.
///
/// The connection notes by itself which rows are changed (`AccessPublisher.watchedTables`). Users who are counted
/// are kept here instead, as the table has them: their rows are at hand then.
final class AccessChanges {
  /// The ledger's versions before the first change and after the last one; nil where there is none.
  private var since: UInt64?
  private var until: UInt64?
  /// Whether nobody else has changed anything in between, and nothing was left out.
  private var isComplete = true
  /// Transactions that have begun and were not committed.
  private var pending = 0
  /// The table that was there when the first user was counted.
  private var former: Former?
  private var hasLooked = false
  /// The users who were counted: their ids, and what the table has of them.
  private var users: [Int64] = []
  private var counted: [UInt8] = []
  /// The live sessions that listings showed, and what the table has of each.
  private var shown: [Shown] = []
  private var entries: [UInt8] = []
  private var devices: [Device] = []
  /// Room for the address of a client.
  private var text: [UInt8] = []

  struct Shown {
    let id: Int64
    let user: Int64
    /// Its place among the entries, and that of its server's device.
    let place: Int32
    let device: Int32
  }

  struct Device {
    let process: Int64
    let name: [UInt8]
  }

  private struct Former {
    let header: AccessHeader
    /// How many rules and rates it has.
    let counts: (rules: Int, rates: Int)
    var numbers: AccessNumbers

    mutating func user(_ row: EntitlementRow, by rules: Rules) -> AccessUser {
      AccessUser(row.entitlement, row.periodRule, &numbers, by: rules)
    }

    /// Whether what a user refers to by number stands in the table.
    func hasNumbers(of user: AccessUser) -> Bool {
      (user.rule ?? -1) < counts.rules && (user.rates ?? -1) < counts.rates
    }
  }

  /// Notes that a transaction gives the ledger another version.
  func changed(from before: UInt64?, to version: UInt64) {
    if until == nil { since = before } else if until != before { isComplete = false }
    until = version
  }

  /// Runs a transaction in which users are counted: what was noted in one that fails is not true.
  func noting<Result: ~Copyable>(
    _ transaction: () throws(SQLiteError) -> Result
  ) throws(SQLiteError) -> Result {
    pending += 1
    let result = try transaction()
    pending -= 1
    return result
  }

  /// Whether they are all that was changed since a version of the ledger.
  func areAll(since version: UInt64, until present: UInt64) -> Bool {
    pending == 0 && isComplete && follow(version, present)
  }

  private func follow(_ version: UInt64, _ present: UInt64?) -> Bool {
    until == nil ? version == present : version == since && until == present
  }

  /// The header of the table that they follow on; nil where there is none.
  func formerHeader(of ledger: Ledger, at time: Int64) throws(SQLiteError) -> AccessHeader? {
    if hasLooked { return former?.header }
    hasLooked = true
    let present = try ledger.accessTable.version()
    guard let directory = try? ledger.stateDirectory(),
      var table = try? AccessTable(in: directory), follow(table.header.version, present),
      let numbers = try? AccessNumbers(of: &table, zone: ledger.zone, at: time)
    else { return nil }
    former = Former(
      header: table.header, counts: (table.ruleCount, table.ratesCount), numbers: numbers)
    return table.header
  }

  /// Makes room for what will be noted, which is large where many are.
  func reserve(users count: Int = 0, sessions: Int = 0) {
    guard former != nil else { return }
    users.reserveCapacity(users.count + count)
    counted.reserveCapacity(counted.count + count * AccessUser.size)
    shown.reserveCapacity(shown.count + sessions)
    entries.reserveCapacity(entries.count + sessions * AccessSession.size)
  }

  /// Notes how a user stands who was counted.
  ///
  /// - Parameter name: the hash of the user's name.
  func note(_ row: EntitlementRow, named name: UInt64, by rules: Rules) {
    guard let user = former?.user(row, by: rules) else { return isComplete = false }
    if former?.hasNumbers(of: user) == false { isComplete = false }
    user.append(hash: name, to: &counted)
    users.append(row.user)
  }

  /// Notes how a live session stands that a listing showed.
  ///
  /// - Parameters:
  ///   - counters: what its counters are now.
  ///   - device: the name of the server's device.
  func note(_ session: SessionRow, of user: Int64, _ counters: Traffic, device: Span<UInt8>) {
    guard let key = former?.header.key else { return }
    if devices.last.map({ $0.process == session.process && device.isSame(as: $0.name) }) != true {
      devices.append(Device(process: session.process, name: [UInt8](copying: device)))
    }
    shown.append(
      Shown(
        id: session.id, user: user, place: Int32(truncatingIfNeeded: shown.count),
        device: Int32(truncatingIfNeeded: devices.count - 1)))
    AccessSession(session, counters, by: key, &text).append(to: &entries)
  }

  /// What was noted. If no table comes of it, the next one is written anew.
  struct Noted {
    /// Users as the table has them.
    var users: [UInt8]
    private let names: [Name]
    /// Sessions in the order of their ids.
    let shown: [Shown]
    var entries: [UInt8]
    let devices: [Device]

    private struct Name {
      let user: Int64
      let hash: UInt64
    }

    fileprivate init(_ changes: AccessChanges) {
      users = changes.counted
      (shown, entries, devices) = (changes.shown, changes.entries, changes.devices)
      var names: [Name] = []
      names.reserveCapacity(shown.isEmpty ? 0 : changes.users.count)
      if !shown.isEmpty {
        for (index, user) in changes.users.enumerated() {
          names.append(Name(user: user, hash: AccessUser.nameHash(at: index, of: users)))
        }
      }
      names.sort { $0.user < $1.user }
      self.names = names
    }

    /// The hash of the name of a user who was counted; nil for another one.
    func nameHash(of user: Int64) -> UInt64? {
      let place = names.lowerBound(of: user) { $0.user }
      return place < names.count && names[place].user == user ? names[place].hash : nil
    }
  }

  /// Gives what was noted.
  func take() -> Noted {
    defer {
      (users, counted, shown, entries, devices) = ([], [], [], [], [])
      isComplete = false
    }
    // Of one that was shown several times the last counts.
    shown.sort { ($0.id, $0.place) < ($1.id, $1.place) }
    shown.keepLast { $0.id == $1.id }
    return Noted(self)
  }
}
