import ArgumentParser
import Glibc
import Support
import System

/// A file that the user asked to have written, or standard output.
///
/// Only the name may need root, as in /var/backups: the file is created and renamed by a process that
/// stays root, and what goes into it is made by a child that has become the owner of the state
/// directory.
struct OutputFile {
  let path: String

  /// - Parameter argument: a path; `-` is standard output.
  init(_ argument: String) {
    path = FileArgument(argument).path
  }

  /// Writes the file whole or not at all. What is there already and no regular file, such as a pipe
  /// or `/dev/stdout`, is written into.
  ///
  /// - Parameters:
  ///   - settings: where the ledger is.
  ///   - mode: the permission bits of a file that is made.
  ///   - content: writes the content. It may have given up root when it returns.
  /// - Returns: whether a file was made: its bytes; nil for what was written into.
  @discardableResult
  func write(
    with settings: Settings, mode: mode_t = 0o644, _ content: (borrowing Descriptor) throws -> Void
  ) throws -> Int64? {
    if let stream = try openStream() {
      try content(stream)
      return nil
    }
    let final = try target(of: path, links: 8)
    let needsRoot = needsRoot(for: final, settings)
    if !needsRoot { _ = try StateDirectory(of: settings.database) }
    let draft = try FileDraft(for: final)
    if needsRoot {
      let status = try inChild { AdminProgram.status { try content(draft.file) }.rawValue }
      if status != 0 { throw ExitCode(status) }
    } else {
      try content(draft.file)
    }
    let size = try FileStatus(of: draft.file, called: final).size
    try draft.publish(mode: mode)
    return size
  }

  /// Writes bytes as `write` does, and says so on a terminal where a file was made.
  func write(bytesWith settings: Settings, _ content: () throws -> [UInt8]) throws {
    let size = try write(with: settings) { output in
      let bytes = try content()
      try output.write(bytes.span, to: path == "-" ? "standard output" : path)
    }
    if size != nil, Terminal.isOutput { try StandardOutput.write(["wrote \(path)"]) }
  }

  private func openStream() throws(SystemError) -> Descriptor? {
    if path == "-" { return .standardOutput }
    if let number = OutputFile.descriptor(path) {
      let copy = dup(number)
      guard copy >= 0 else { throw SystemError("open", path) }
      return Descriptor(owning: copy)
    }
    guard let status = try? FileStatus(ofLink: path), status.kind != .regular,
      status.kind != .symbolicLink
    else { return nil }
    // Does not wait for the reader of a pipe.
    let file = try Descriptor.open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
    _ = fcntl(file.number, F_SETFL, O_WRONLY)
    return file
  }

  /// The open descriptor that a path stands for, as `/dev/stdout` does.
  private static func descriptor(_ path: String) -> Int32? {
    switch path {
    case "/dev/stdout": return STDOUT_FILENO
    case "/dev/stderr": return STDERR_FILENO
    default:
      for start in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(start) {
        return Int32(path.dropFirst(start.count))
      }
      return nil
    }
  }

  /// The path of the file itself. A link leads on where only root, or the user who runs this, could
  /// have made it; any other one is replaced.
  private func target(of path: String, links: Int) throws(SystemError) -> String {
    guard let status = try? FileStatus(ofLink: path), status.kind == .symbolicLink,
      try FileStatus(of: directory(of: path)).isClosedToOthers
    else { return path }
    if links == 0 { throw SystemError("open", path, code: ELOOP) }
    let text = try contents(ofLink: path)
    return try target(
      of: text.hasPrefix("/") ? text : "\(directory(of: path))/\(text)", links: links - 1)
  }

  /// Whether the file's directory is another user's than the ledger's, and this process is root.
  private func needsRoot(for final: String, _ settings: Settings) -> Bool {
    guard Privileges.isRoot, let state = try? FileStatus(of: directory(of: settings.database)),
      state.owner != 0
    else { return false }
    return (try? FileStatus(of: directory(of: final)))?.owner != state.owner
  }
}

enum Machine {
  /// Its name, as `gethostname(2)` has it.
  static var name: String {
    var bytes = [UInt8](repeating: 0, count: 256)
    let code = unsafe bytes.withUnsafeMutableBytes { buffer -> Int32 in
      guard let start = buffer.baseAddress else { return -1 }
      return unsafe gethostname(start.assumingMemoryBound(to: CChar.self), buffer.count - 1)
    }
    guard code == 0 else { return "localhost" }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }
}
