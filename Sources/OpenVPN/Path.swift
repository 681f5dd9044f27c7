/// Paths as text, without a look at the disk.
package enum Path {
  /// What is before the last slash; `.` where there is none.
  package static func directory(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// What is behind the last slash.
  package static func name(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return String(path[path.utf8.index(after: slash)...])
  }

  /// The file's name without its last suffix: `server` for `/etc/openvpn/server.conf`.
  package static func stem(of path: String) -> String {
    String(decoding: stem(of: Array(path.utf8)), as: UTF8.self)
  }

  /// The same of a path that may be no UTF-8.
  package static func stem(of path: [UInt8]) -> ArraySlice<UInt8> {
    let name = path[(path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > name.startIndex else {
      return name
    }
    return name[..<dot]
  }

  /// A path as it is meant in a directory.
  package static func resolve(_ path: String, in directory: String) -> String {
    normalized(path.hasPrefix("/") ? path : directory + "/" + path)
  }

  /// Without `.` and empty parts, so that two spellings of one path are equal.
  package static func normalized(_ path: String) -> String {
    let parts = path.split(separator: "/").filter { $0 != "." }
    let text = parts.joined(separator: "/")
    return path.hasPrefix("/") ? "/" + text : text
  }
}
