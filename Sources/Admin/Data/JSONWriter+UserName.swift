import Support
import Ledger

extension JSONWriter {
  /// The two fields that a name takes, for it may be no text.
  mutating func name(_ name: UserName) {
    let whole = FormerName(name)?.name ?? name
    field("name", whole.description)
    field("name_hex", whole.isText ? nil : hexadecimal(whole.bytes))
  }
}
