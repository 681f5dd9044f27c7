import Quota

/// What a hook leaves in the spool: one small file, named after the session.
///
/// The content is one `key=value` line a field, with bytes outside printable ASCII, and `%`, as
/// `%hh`. It ends in a line `end`, so that a record cut off by a full disk is known as such.
package enum SpoolRecord: Equatable, Sendable {
  /// The connect hook let somebody in; the session belongs to the owner from now on.
  case admitted(Admission, at: Int64)
  /// The connect hook turned somebody away: what follows of this session is not traffic.
  case refused(Refusal)
  /// The disconnect hook could not write to the database.
  case closed(FinalReport)

  /// The session the record is about.
  package var identity: SessionIdentity {
    switch self {
    case .admitted(let admission, _): admission.identity
    case .refused(let refusal): refusal.identity
    case .closed(let report): report.identity
    }
  }

  /// The name of the record's file.
  package var fileName: String {
    switch self {
    case .admitted: SpoolRecord.fileName("admitted", identity)
    case .refused: SpoolRecord.fileName("refused", identity)
    case .closed: SpoolRecord.fileName("closed", identity)
    }
  }

  /// `KIND-PID-TIME-ADDRESS`; in an address that is none, whatever could be special in a file name
  /// is written as `%hh`, and of one that is too long for a name the end is a digest.
  static func fileName(_ kind: String, _ identity: SessionIdentity) -> String {
    let prefix = "\(kind)-\(identity.pid)-\(identity.connectedSince)-"
    let address = identity.address.utf8
    if address.count <= 128, address.allSatisfy({ $0.isPlain }) { return prefix + identity.address }
    var name = Array(prefix.utf8)
    name.appendShortened(Array(address), to: 60)
    return String(decoding: name, as: UTF8.self)
  }
}

/// A client that was turned away at the door.
package struct Refusal: Equatable, Sendable {
  package let identity: SessionIdentity
  /// The user, or who claims to be one.
  package let user: UserName
  package let reason: Reason
  /// Seconds since 1970 in UTC.
  package let at: Int64
  /// Whether the hook wrote a line to the log about it.
  package let wasLogged: Bool

  package init(
    identity: SessionIdentity, user: UserName, reason: Reason, at: Int64, wasLogged: Bool
  ) {
    self.identity = identity
    self.user = user
    self.reason = reason
    self.at = at
    self.wasLogged = wasLogged
  }
}

extension SpoolRecord {
  /// The record as the bytes of its file.
  package var encoded: [UInt8] {
    var fields = FieldWriter()
    switch self {
    case .admitted(let admission, let time):
      fields.write(admission.identity)
      fields.write("at", time)
      fields.write("common-name", admission.commonName.bytes)
      fields.write("owner", admission.owner.bytes)
      if admission.wasHandedOn { fields.write("handed-on", 1) }
      if let server = admission.server { fields.write("server", server) }
    case .refused(let refusal):
      fields.write(refusal.identity)
      fields.write("at", refusal.at)
      fields.write("user", refusal.user.bytes)
      fields.write("reason", refusal.reason.rawValue)
      fields.write("logged", refusal.wasLogged ? 1 : 0)
    case .closed(let report):
      fields.write(report.identity)
      fields.write("at", report.endedAt)
      fields.write("common-name", report.commonName.bytes)
      if let address = report.doorAddress { fields.write("door-address", address) }
      if let owner = report.owner { fields.write("owner", owner.bytes) }
      if report.wasLetIn { fields.write("let-in", 1) }
      if let address = report.clientAddress { fields.write("client-address", address) }
      if let claimed = report.claimedOwner { fields.write("claimed-owner", claimed.bytes) }
      if let counters = report.counters {
        fields.write("received", counters.received)
        fields.write("sent", counters.sent)
      }
    }
    return fields.finished
  }

  /// Reads a record.
  ///
  /// - Returns: nil for bytes that are not a whole record of this kind.
  package init?(kind: String, content: [UInt8]) {
    guard let fields = FieldReader(content), let identity = fields.identity,
      let time = fields.integer("at")
    else { return nil }
    switch kind {
    case "admitted":
      guard let name = fields["common-name"], let owner = fields["owner"] else { return nil }
      self = .admitted(
        Admission(
          identity: identity, commonName: UserName(bytes: name), owner: UserName(bytes: owner),
          wasHandedOn: fields.integer("handed-on") == 1, server: fields.text("server")),
        at: time)
    case "refused":
      guard let user = fields["user"], let reason = fields.text("reason"),
        let reason = Reason(rawValue: reason)
      else { return nil }
      self = .refused(
        Refusal(
          identity: identity, user: UserName(bytes: user), reason: reason, at: time,
          wasLogged: fields.integer("logged") == 1))
    case "closed":
      guard let name = fields["common-name"] else { return nil }
      self = .closed(
        FinalReport(
          identity: identity, doorAddress: fields.text("door-address"),
          commonName: UserName(bytes: name), owner: fields["owner"].map(UserName.init(bytes:)),
          claimedOwner: fields["claimed-owner"].map(UserName.init(bytes:)),
          wasLetIn: fields.integer("let-in") == 1,
          clientAddress: fields.text("client-address"), counters: fields.counters, endedAt: time))
    default: return nil
    }
  }
}
