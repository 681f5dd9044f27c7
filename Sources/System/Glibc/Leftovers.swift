import Glibc

/// Removes the drafts in a directory that processes have left which were killed: each has its
/// maker's process id in its name, so none would ever be written over.
///
/// - Parameter maker: the process that a file's name says has made it; nil for a file that is no
///   draft.
package func removeLeftovers(inDirectory path: String, madeBy maker: (String) -> pid_t?) {
  for name in (try? names(inDirectory: path)) ?? [] {
    guard let process = maker(name), process > 0, kill(process, 0) != 0, errno == ESRCH else {
      continue
    }
    try? remove("\(path)/\(name)")
  }
}
