// Paths as text, without a look at the disk. Their parts are looked for in bytes, for with a
// `String.Index` comes code for UTF-16, which is a part of the hooks' size that counts.

/// The directory part of a path: `/a` of `/a/b`, `.` of `b`.
package func directory(of path: String) -> String {
  let bytes = Array(path.utf8)
  guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
  return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
}

/// The directories on the way to a file, the topmost first, without `/` and `.`.
package func directories(above path: String) -> [String] {
  var above: [String] = []
  var folder = directory(of: path)
  while folder != "/", folder != "." {
    above.insert(folder, at: 0)
    folder = directory(of: folder)
  }
  return above
}

/// The last part of a path: `b` of `/a/b`.
package func fileName(of path: String) -> String {
  String(decoding: fileName(of: Array(path.utf8)), as: UTF8.self)
}

/// The last part of a path that may be no UTF-8.
package func fileName(of path: [UInt8]) -> ArraySlice<UInt8> {
  path[(path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
}

/// The file's name without its last suffix: `server` for `/etc/openvpn/server.conf`.
package func fileStem(of path: String) -> String {
  String(decoding: fileStem(of: Array(path.utf8)), as: UTF8.self)
}

/// The same of a path that may be no UTF-8.
package func fileStem(of path: [UInt8]) -> ArraySlice<UInt8> {
  let name = fileName(of: path)
  guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > name.startIndex else { return name }
  return name[..<dot]
}

/// A path as it is meant in a directory.
package func resolvedPath(_ path: String, in directory: String) -> String {
  normalizedPath(path.hasPrefix("/") ? path : directory + "/" + path)
}

/// A path without `.` and empty parts, so that two spellings of one path are equal.
package func normalizedPath(_ path: String) -> String {
  let parts = path.split(separator: "/").filter { $0 != "." }
  let text = parts.joined(separator: "/")
  return path.hasPrefix("/") ? "/" + text : text
}

/// Where things are if nothing else is said.
package enum InstalledPaths {
  package static let settings = "/etc/openvpn-quota/quota.conf"
  /// The database; its directory is the state directory.
  package static let database = "/var/lib/openvpn-quota/quota.db"
}
