import CSystem

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
