import Glibc
import System

/// A file to be written, or standard output.
struct OutputFile {
  private let path: String?

  /// The file that an argument names; `-` is standard output.
  init(_ argument: String) {
    path = argument == "-" ? nil : String(decoding: RawArguments.bytes(of: argument), as: UTF8.self)
  }

  /// Writes the file whole or not at all, for anybody to read, and says so to a person. What is
  /// there already and no regular file, such as a pipe or `/dev/stdout`, is written into.
  func write(_ bytes: [UInt8]) throws(SystemError) {
    guard let path else { return try StandardOutput.write(bytes) }
    var status = stat()
    if unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
      return try Descriptor.open(path, O_WRONLY | O_TRUNC).write(bytes.span, to: path)
    }
    try replaceFile(path, with: bytes, mode: 0o644)
    if Terminal.isOutput { try StandardOutput.write(["wrote \(path)"]) }
  }
}

/// The machine this runs on.
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
