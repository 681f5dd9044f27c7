import Support
import Ledger
import System

extension UserName {
  /// The most bytes a name may have: no row of a listing has room for more.
  private static let limit = 511

  /// The name that an argument gives, also in the form that `forPeople` has for it.
  ///
  /// - Throws: `CommandError`, 65, for what is no name.
  init(argument: String) throws(CommandError) {
    try self.init(checked: Escaping.bytes(ofName: RawArguments.bytes(of: argument)))
  }

  /// The name that an argument gives a user from now on.
  ///
  /// - Throws: `CommandError`, 65, for a name that no client can have.
  init(newArgument argument: String) throws(CommandError) {
    try self.init(argument: argument)
    if bytes.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      throw CommandError(
        "no client can have the name \(forPeople): OpenVPN puts _ in the place of control characters"
      )
    }
  }

  /// The name that bytes are.
  ///
  /// - Throws: `CommandError`, 65, for what is no name.
  init(checked bytes: [UInt8]) throws(CommandError) {
    let allowed = "allowed are 1 to \(UserName.limit) bytes"
    if bytes.isEmpty { throw CommandError("a user's name is empty; \(allowed)") }
    if bytes.count > UserName.limit {
      throw CommandError("a user's name has \(bytes.count) bytes; \(allowed)")
    }
    self.init(bytes: bytes)
    if bytes.contains(0) || FormerName(self) != nil {
      throw CommandError("no user can have the name \(Escaping.name(bytes))")
    }
  }

  /// The name as `Escaping.name` has it, which an argument may be too; of a user who was removed the one
  /// they had.
  var forPeople: String {
    if let former = FormerName(self) { return "\(former.name.forPeople) (removed)" }
    return Escaping.name(bytes)
  }

  /// Whether the name is valid UTF-8.
  var isText: Bool {
    bytes.allSatisfy { $0 < 0x80 } || description.utf8.elementsEqual(bytes)
  }
}

extension JSONWriter {
  /// The two fields that a name takes, for it may be no text; of a user who was removed the name
  /// they had.
  mutating func name(_ name: UserName) {
    let whole = FormerName(name)?.name ?? name
    field("name", whole.description)
    field("name_hex", whole.isText ? nil : hexadecimal(whole.bytes))
  }
}
