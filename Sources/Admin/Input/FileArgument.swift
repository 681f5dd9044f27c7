import Support

/// A file named on the command line.
struct FileArgument {
  /// Its path. Bytes that are no UTF-8 cannot be part of it.
  let path: String

  init(_ argument: String) {
    path = String(decoding: RawArguments.bytes(of: argument), as: UTF8.self)
  }

  /// The path, safe on a terminal.
  var forPeople: String { Escaping.plain(path) }
}
