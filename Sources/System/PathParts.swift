// Parts of paths. They are looked for in bytes, for with a `String.Index` comes code for UTF-16,
// which is a part of the hooks' size that counts.

/// The directory part of a path: `/a` of `/a/b`, `.` of `b`.
package func directory(of path: String) -> String {
  let bytes = Array(path.utf8)
  guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
  return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
}

/// The last part of a path: `b` of `/a/b`.
package func fileName(of path: String) -> String {
  String(decoding: fileName(of: Array(path.utf8)), as: UTF8.self)
}

/// The last part of a path that may be no UTF-8.
package func fileName(of path: [UInt8]) -> ArraySlice<UInt8> {
  path[(path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
}
