import Support
import Ledger
import Quota

extension JSONWriter {
  /// The fields of a user, as quota-admin(8) documents them.
  mutating func fields(of user: UserRecord, by rules: Rules) {
    name(user.name)
    field("enabled", user.entitlement.isEnabled)
    field("plan", user.plan)
    field("quota_bytes", user.entitlement.quota)
    field("period", user.period.text)
    field("period_start", user.period == .none ? nil : isoTime(user.entitlement.span.start))
    field("period_end", user.period == .none ? nil : isoTime(user.entitlement.span.end))
    field("granted_bytes", user.entitlement.granted)
    field("carried_bytes", user.entitlement.carried)
    field("limit_bytes", user.entitlement.limit)
    field("grace_bytes", user.entitlement.grace.bytes)
    field("grace_percent", user.entitlement.grace.percent)
    field("bytes_used", user.used(by: rules))
    field("bytes_received", user.entitlement.used.received)
    field("bytes_sent", user.entitlement.used.sent)
    field("projected_end", user.projectedEnd(by: rules).map(isoTime))
    field("exempt", user.entitlement.isExempt)
    field("expires_at", user.entitlement.expiresAt.map(isoTime))
    field("expires_after_seconds", user.waitingLifetime)
    field("max_sessions", user.entitlement.maxSessions)
    field("open_sessions", Int64(user.openSessions))
    switch user.verdict(by: rules) {
    case .allowed:
      field("admitted", true)
      field("refusal", String?.none)
    case .refused(let reason):
      field("admitted", false)
      field("refusal", reason.rawValue)
    }
    field("created_at", user.createdAt.map(isoTime))
  }

  /// The fields of a session, as quota-admin(8) documents them.
  mutating func fields(of session: OpenSession) {
    field("server", session.server)
    field("address", session.address)
    field("real_address", session.realAddress)
    field("connected_since", isoTime(session.connectedSince))
    field("bytes_received", session.counters.received)
    field("bytes_sent", session.counters.sent)
  }
}
