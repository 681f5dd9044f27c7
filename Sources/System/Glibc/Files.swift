import CSystem
import Glibc

/// Renames a file, replacing whatever had the new name. The corresponding C function is `rename`.
package func rename(_ path: String, to newPath: String) throws(SystemError) {
  guard unsafe Glibc.rename(path, newPath) == 0 else { throw SystemError("rename", path) }
}

/// Gives a file a second name, which must not be taken. The corresponding C function is `link`.
package func link(_ path: String, to newPath: String) throws(SystemError) {
  guard unsafe Glibc.link(path, newPath) == 0 else { throw SystemError("link", path) }
}

/// Removes a file; one that is gone already is no error. The corresponding C function is `unlink`.
package func remove(_ path: String) throws(SystemError) {
  guard unsafe Glibc.unlink(path) == 0 || errno == ENOENT else { throw SystemError("remove", path) }
}

/// The size of a file in bytes, nil where there is none.
package func size(ofFile path: String) -> Int64? {
  var status = stat()
  return unsafe stat(path, &status) == 0 ? Int64(status.st_size) : nil
}

/// Makes a directory with exactly these permission bits, whatever the umask; one that is there
/// already is left as it is.
package func makeDirectory(_ path: String, mode: mode_t) throws(SystemError) {
  if unsafe Glibc.mkdir(path, mode & 0o777) != 0 {
    if errno == EEXIST { return }
    throw SystemError("create the directory", path)
  }
  guard unsafe chmod(path, mode) == 0 else { throw SystemError("change the mode of", path) }
}

/// Makes a file's content, or a directory's entries, survive a power loss. The corresponding C
/// function is `fsync`.
package func synchronize(_ path: String) throws(SystemError) {
  let opened = try Descriptor.open(path, O_RDONLY)
  guard retryingOnInterrupt({ fsync(opened.number) }) == 0 else {
    throw SystemError("write out", path)
  }
}

/// Makes all that was written to the file system of an open file survive a power loss. The
/// corresponding C function is `syncfs`.
package func synchronizeFileSystem(
  of file: borrowing Descriptor, called subject: String
) throws(SystemError) {
  guard retryingOnInterrupt({ cs_synchronize_file_system(file.number) }) == 0 else {
    throw SystemError("write to", subject)
  }
}

/// Whether two paths lead to one file.
package func isSameFile(_ path: String, _ other: String) -> Bool {
  var (first, second) = (stat(), stat())
  return unsafe stat(path, &first) == 0 && stat(other, &second) == 0
    && first.st_dev == second.st_dev && first.st_ino == second.st_ino
}
