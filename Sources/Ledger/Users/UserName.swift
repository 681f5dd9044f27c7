import SQLite

/// A name as OpenVPN has it: bytes chosen by a stranger, usually but not surely UTF-8.
///
/// Two names are one only if every byte agrees. A `String` would take composed and decomposed
/// letters for one and repair invalid bytes, and bill one user for another.
package struct UserName: Hashable, Sendable, ExpressibleByStringLiteral {
  /// The name's bytes as they came.
  package let bytes: [UInt8]

  package init(bytes: [UInt8]) { self.bytes = bytes }

  /// A name as a client can have it: OpenVPN puts `_` in the place of control characters, so what has
  /// any comes from a journal that somebody has tampered with.
  package init(ofClient bytes: some Collection<UInt8>) {
    self.init(bytes: bytes.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "_") : $0 })
  }

  package init(_ text: String) { self.init(bytes: Array(text.utf8)) }

  package init(stringLiteral text: String) { self.init(text) }
}

extension UserName: CustomStringConvertible {
  /// The name as text; invalid UTF-8 is repaired, so this is for eyes only.
  package var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension UserName: Bindable {
  package func bind(to statement: inout Statement, _ parameter: Int32) {
    statement.bind(parameter, bytes: bytes)
  }
}
