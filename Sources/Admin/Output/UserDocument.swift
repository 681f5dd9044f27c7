import Support
import Ledger
import Quota

extension JSONWriter {
  /// The fields of a user, as quota-admin(8) documents them.
  mutating func fields(of user: UserRecord, by rules: Rules) {
    name(user.name)
    field("enabled", user.standing.isEnabled)
    field("plan", user.plan?.name)
    field("quota_bytes", user.standing.quota)
    field("period", user.period.text)
    field("period_start", user.period == .none ? nil : isoTime(user.standing.span.start))
    field("period_end", user.period == .none ? nil : isoTime(user.standing.span.end))
    field("granted_bytes", user.standing.granted)
    field("carried_bytes", user.standing.carried)
    field("limit_bytes", user.standing.limit)
    field("grace_bytes", user.standing.grace.bytes)
    field("grace_percent", user.standing.grace.percent)
    field("bytes_used", user.used(by: rules))
    field("bytes_received", user.standing.used.received)
    field("bytes_sent", user.standing.used.sent)
    field("projected_end", user.projectedEnd(by: rules).map(isoTime))
    field("exempt", user.standing.isExempt)
    field("expires_at", user.standing.expiresAt.map(isoTime))
    field("expires_after_seconds", user.waitingLifetime)
    field("max_sessions", user.standing.maxSessions)
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
