import CommandSupport
import Ledger
import Quota

extension JSONWriter {
  /// The fields of a user, as quota-admin(8) documents them.
  mutating func fields(of user: UserRecord, by rules: Rules) {
    name(user.name)
    field("enabled", user.standing.isEnabled)
    field("quota_bytes", user.standing.quota)
    field("bytes_used", user.used(by: rules))
    field("bytes_received", user.standing.used.received)
    field("bytes_sent", user.standing.used.sent)
    field("open_sessions", Int64(user.openSessions))
    switch decide(user.standing, by: rules) {
    case .allowed:
      field("admitted", true)
      field("refusal", nil)
    case .refused(let reason):
      field("admitted", false)
      field("refusal", reason.rawValue)
    }
    field("created_at", user.createdAt.map(isoTime))
  }

  /// The two fields that a name takes, for it may be no text.
  mutating func name(_ name: UserName) {
    let whole = FormerName(name)?.name ?? name
    field("name", whole.description)
    field("name_hex", whole.isText ? nil : hexadecimal(whole.bytes))
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
