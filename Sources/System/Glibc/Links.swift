import Glibc

/// The absolute path of what a path leads to, without links. The corresponding C function is
/// `realpath`.
package func canonicalPath(of path: String) throws(SystemError) -> String {
  guard let found = unsafe realpath(path, nil) else { throw SystemError("open", path) }
  defer { unsafe free(found) }
  return unsafe String(cString: found)
}

/// What a link says. The corresponding C function is `readlink`.
package func contents(ofLink path: String) throws(SystemError) -> String {
  var text = [CChar](repeating: 0, count: 4096)
  let count = unsafe readlink(path, &text, text.count)
  guard count >= 0 else { throw SystemError("read the link", path) }
  return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
}
