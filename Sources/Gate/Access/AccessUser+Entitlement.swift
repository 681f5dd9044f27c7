import Quota

extension AccessUser {
  /// What the rules need to know of the user at a moment.
  ///
  /// - Parameters:
  ///   - time: seconds since 1970 in UTC, not before the table was written.
  ///   - boundaries: the moments at which the user's periods begin, ascending.
  ///   - rates: the user's.
  ///   - ended: traffic that the table does not include.
  ///   - count: which traffic counts.
  ///   - sessions: other live sessions of the user.
  /// - Returns: an entitlement in which all that counts was received: it is to be judged by
  ///   `Count.total`.
  package func entitlement(
    at time: Int64, boundaries: [Int64], rates: AccessRates = AccessRates(),
    ended: [SessionReplay.Ended] = [], count: Count, sessions: Int64 = 0
  ) -> Entitlement {
    var (start, limit, used) = (Int64.min, self.limit, self.used)
    var passed = 0
    for boundary in boundaries where boundary <= time {
      passed += 1
      start = boundary
      limit = passed == 1 ? nextLimit : laterLimit
      used = 0
    }
    for session in ended where session.time >= start {
      used = saturatingSum(used, count.bytes(of: session.traffic))
    }
    return Entitlement(
      isEnabled: isEnabled, quota: limit, used: Traffic(received: used), isExempt: isExempt,
      expiresAt: expiresAt, maxSessions: maxSessions, sessionsBefore: sessions,
      rate: rates.rate, thenRate: rates.thenRate)
  }

  /// Whether what happened since the table was written can change who may come in.
  ///
  /// - Parameter rates: the user's, as far as something holds them to it.
  package func dependsOnTail(_ rates: AccessRates) -> Bool {
    !isExempt && (maxSessions != 0 || (hasLimit && rates.thenRate == nil))
  }

  private var hasLimit: Bool { limit > 0 || nextLimit > 0 || laterLimit > 0 }
}
