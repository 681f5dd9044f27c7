import CSystem

package enum Environment {
  /// The value of a variable; nil if it is not set. The corresponding C function is `getenv`.
  package static func value(of name: StaticString) -> [UInt8]? {
    guard let value = unsafe cs_variable(name.characters) else { return nil }
    return unsafe bytes(ofText: value)
  }
}

extension StaticString {
  /// As C has it.
  var characters: UnsafePointer<CChar> {
    unsafe UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
  }
}

/// The bytes of a C string, without the zero at its end.
func bytes(ofText text: UnsafePointer<CChar>) -> [UInt8] {
  unsafe [UInt8](UnsafeRawBufferPointer(start: text, count: Int(cs_length(text))))
}

/// The arguments of this process as the system gave them, for handing them on as they are.
@safe
package struct ProcessArguments {
  private let start: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  package let count: Int

  /// - Parameters: those of C's `main`.
  package init(_ count: Int32, _ start: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) {
    self.count = Int(count)
    unsafe self.start = unsafe start
  }

  package var all: [[UInt8]] {
    var arguments: [[UInt8]] = []
    for index in 0..<count {
      if let text = unsafe start[index] { unsafe arguments.append(bytes(ofText: text)) }
    }
    return arguments
  }

  /// Runs the program that an argument names, with the arguments behind it and this environment, and
  /// waits for its end. A name without a slash is looked up in the working directory. The
  /// corresponding C functions are `posix_spawn` and `waitpid`.
  ///
  /// - Returns: its exit status, or 128 plus the signal that ended it, as a shell has it.
  /// - Throws: `SystemError` where it cannot be run.
  package func run(from index: Int) throws(SystemError) -> Int32 {
    let status = unsafe cs_run(start + index)
    if status < 0 { throw SystemError("run", name(at: index)) }
    return status
  }

  /// Becomes the program that an argument names, with the arguments behind it, this environment and
  /// the open standard streams. The corresponding C function is `execve`.
  ///
  /// - Returns: why that did not work; otherwise it does not return.
  package func become(from index: Int) -> SystemError {
    unsafe cs_become(start + index)
    return SystemError("run", name(at: index))
  }

  private func name(at index: Int) -> String {
    guard index < count, let text = unsafe start[index] else { return "" }
    return unsafe String(cString: text)
  }
}

/// The id of this process. The corresponding C function is `getpid`.
package var processID: Int32 { cs_process_id() }

/// A standard stream that lines are written to.
package enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  /// Writes a line; where nobody reads it, it is lost.
  package func writeLine(_ text: String) {
    var line = text
    line += "\n"
    line.withUTF8 { bytes in
      _ = retryingOnInterrupt { unsafe cs_write(rawValue, bytes.baseAddress, bytes.count) }
    }
  }
}
