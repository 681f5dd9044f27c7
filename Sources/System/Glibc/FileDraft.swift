import Glibc

/// A file in the making that is written whole or not at all: a program that opens it by its name finds
/// the old content or the new, also after a crash. It stands beside the final one under a name which no
/// `*` matches, and is gone unless it is published.
///
/// All is done in one open directory and nothing is followed, so that users who may write to the
/// directory can lead it nowhere else.
package struct FileDraft: ~Copyable {
  /// The final path.
  package let path: String
  /// The open draft.
  package let file: Descriptor
  private let folder: Descriptor
  private let name: String

  /// - Parameter path: the final path; what is there already is replaced.
  package init(for path: String) throws(SystemError) {
    let folder = try FileDraft.openFolder(of: path)
    let start = ".\(fileName(of: path))."
    removeLeftovers(inDirectory: directory(of: path)) { name in
      name.hasPrefix(start) ? pid_t(name.dropFirst(start.count)) : nil
    }
    let name = "\(start)\(getpid())"
    // What has the name already was left by a process that is dead, or planted.
    _ = unsafe unlinkat(folder.number, name, 0)
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
    do throws(SystemError) {
      file = try folder.open(name, flags, mode: 0o600, called: path)
    } catch {
      throw SystemError("create", path, code: error.code)
    }
    self.folder = folder
    self.name = name
    self.path = path
  }

  deinit { _ = unsafe unlinkat(folder.number, name, 0) }

  /// Makes the draft durable under its final name.
  ///
  /// - Parameter mode: the permission bits of the file, whatever the umask.
  package consuming func publish(mode: mode_t) throws(SystemError) {
    try file.setMode(mode, of: path)
    try file.synchronize(as: path)
    guard unsafe renameat(folder.number, name, folder.number, fileName(of: path)) == 0 else {
      throw SystemError("rename", path)
    }
    _ = fsync(folder.number)
  }

  private static func openFolder(of path: String) throws(SystemError) -> Descriptor {
    do throws(SystemError) {
      return try Descriptor.open(directory(of: path), O_RDONLY | O_DIRECTORY)
    } catch {
      throw SystemError("create", path, code: error.code)
    }
  }
}

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
