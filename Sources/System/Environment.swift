import CSystem

/// The environment the program was started with.
package enum Environment {
  /// The value of a variable; nil if it is not set. The corresponding C function is `getenv`.
  package static func value(of name: StaticString) -> [UInt8]? {
    guard let value = unsafe cs_variable(name.characters) else { return nil }
    return unsafe bytes(ofText: value)
  }
}

extension StaticString {
  /// As C has it.
  var characters: UnsafePointer<CChar> {
    unsafe UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
  }
}

/// The bytes of a C string, without the zero at its end.
func bytes(ofText text: UnsafePointer<CChar>) -> [UInt8] {
  unsafe [UInt8](UnsafeRawBufferPointer(start: text, count: Int(cs_length(text))))
}
