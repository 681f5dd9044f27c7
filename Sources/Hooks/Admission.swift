import Gate
import Quota
import System

/// Whether a client may come in, by the access table and by what happened since it was written.
struct Admission {
  private(set) var verdict: Verdict
  /// The user that the session will belong to.
  let owner: [UInt8]
  /// Whether the user may have only so many sessions at once.
  let isLimited: Bool
  /// When the user's next period begins, in seconds since 1970 in UTC; nil where they have none.
  let nextPeriod: Int64?
  /// Why the journal's tail was left out, so that the table alone decided.
  private(set) var problem: JournalTailError?

  /// - Parameter replaces: a session of the user on this server may end for the new one, see
  ///   `SessionReplay.liveSessions`.
  /// - Throws: `AccessError` where the table cannot be read: then nobody can tell.
  init(
    of client: HookClient, replaces: Bool, at now: JournalMoment, in directory: borrowing Directory
  ) throws(AccessError) {
    var table = try AccessTable(in: directory)
    let owner = client.user(by: table.header.identifyBy, table.header.names)
    self.owner = owner
    guard let user = try Self.user(owner, in: &table) else {
      isLimited = false
      nextPeriod = nil
      verdict = Self.decide(nil, at: now, table.header)
      return
    }
    isLimited = user.maxSessions != 0
    var boundaries: [Int64] = []
    if let rule = user.rule { boundaries = try table.boundaries(of: rule) }
    nextPeriod = boundaries.first { $0 > now.seconds && $0 < user.expiresAt ?? .max }
    var rates = AccessRates()
    if table.header.fence, let number = user.rates { rates = try table.rates(of: number) }
    verdict = Self.decide(
      user.entitlement(
        at: now.seconds, boundaries: boundaries, rates: rates, count: table.header.count),
      at: now, table.header)
    guard verdict.isAllowed, user.dependsOnTail(rates),
      let replay = try replay(client, from: &table, at: now, in: directory)
    else { return }
    verdict = Self.decide(
      user.entitlement(
        at: now.seconds, boundaries: boundaries, rates: rates, ended: replay.ended,
        count: table.header.count,
        sessions: replay.liveSessions(
          beside: client.record(.in, at: now, owner: owner), replaces: replaces)),
      at: now, table.header)
  }

  /// What the table has of a user. A stranger is as one that it has with the default quota.
  private static func user(
    _ name: [UInt8], in table: inout AccessTable
  ) throws(AccessError) -> AccessUser? {
    if let user = try table.user(named: name) { return user }
    guard table.header.unknownUsers == .allow, table.header.defaultQuota > 0 else { return nil }
    return AccessUser(limit: table.header.defaultQuota)
  }

  /// The user's sessions by the table and the journal's tail; nil where nothing happened that counts.
  private mutating func replay(
    _ client: HookClient, from table: inout AccessTable, at now: JournalMoment,
    in directory: borrowing Directory
  ) throws(AccessError) -> SessionReplay? {
    let tail = tail(after: table.header, in: directory)
    if tail == nil, !isLimited { return nil }
    do throws(SessionReplayError) {
      return try SessionReplay.following(owner, from: &table, through: tail, now: now)
    } catch {
      switch error {
      case .table(let error): throw error
      case .tail(let error): problem = .system(error)
      }
    }
    do throws(SessionReplayError) {
      return try SessionReplay.following(owner, from: &table, through: nil, now: now)
    } catch {
      if case .table(let error) = error { throw error }
      return nil
    }
  }

  private mutating func tail(
    after header: AccessHeader, in directory: borrowing Directory
  ) -> JournalTail? {
    do throws(JournalTailError) {
      return try JournalTail.opened(after: header, in: directory)
    } catch {
      problem = error
      return nil
    }
  }

  /// The one rule. What counts was counted already: all of it was received, see
  /// `AccessUser.entitlement`.
  private static func decide(
    _ entitlement: Entitlement?, at now: JournalMoment, _ header: AccessHeader
  ) -> Verdict {
    Quota.decide(
      entitlement, at: now.seconds,
      by: Rules(count: .total, unknownUsers: header.unknownUsers, fence: header.fence))
  }
}
