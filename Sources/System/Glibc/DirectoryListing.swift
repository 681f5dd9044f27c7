import Glibc

/// Gives the names in a directory, without `.` and `..`, in the order of their bytes.
///
/// The corresponding C functions are `opendir` and `readdir`.
///
/// - Throws: `SystemError` naming the directory.
package func names(inDirectory path: String) throws(SystemError) -> [String] {
  guard let directory = unsafe opendir(path) else { throw SystemError("list", path) }
  defer { unsafe closedir(directory) }
  var names: [String] = []
  while true {
    errno = 0
    guard let entry = unsafe readdir(directory) else {
      guard errno == 0 else { throw SystemError("list", path) }
      return names.sorted()
    }
    let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
      unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) {
        unsafe String(cString: $0)
      }
    }
    if name != ".", name != ".." { names.append(name) }
  }
}
