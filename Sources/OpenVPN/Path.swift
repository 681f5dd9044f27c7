import System

/// Paths as text, without a look at the disk.
package enum Path {
  /// What is before the last slash; `.` where there is none.
  package static func directory(of path: String) -> String { System.directory(of: path) }

  /// What is behind the last slash.
  package static func name(of path: String) -> String { fileName(of: path) }

  /// The file's name without its last suffix: `server` for `/etc/openvpn/server.conf`.
  package static func stem(of path: String) -> String {
    String(decoding: stem(of: Array(path.utf8)), as: UTF8.self)
  }

  /// The same of a path that may be no UTF-8.
  package static func stem(of path: [UInt8]) -> ArraySlice<UInt8> {
    let name = fileName(of: path)
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
