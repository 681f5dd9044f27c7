import Glibc

extension Descriptor {
  /// Writes all that another file holds.
  ///
  /// - Parameter subject: what an error calls the file that is written.
  package borrowing func take(
    from source: borrowing Descriptor, called subject: String
  ) throws(SystemError) {
    guard lseek(source.number, 0, SEEK_SET) == 0 else { throw SystemError("copy to", subject) }
    while true {
      let piece = try source.readStart(atMost: 1 << 20, of: "what goes to \(subject)")
      if piece.isEmpty { return }
      try write(piece.span, to: subject)
    }
  }
}
