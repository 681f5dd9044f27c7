/// Something that reads what comes from outside, and what has to hold of it for any bytes at all.
///
/// A fuzzer looks for bytes that break it (`make fuzz`); those it is known to have learnt from are
/// kept in the folder `Corpus` and are checked with all other tests.
struct FuzzTarget: Sendable {
  /// Its name, which is that of its folder in `Corpus`.
  let name: String
  /// Reads the bytes and throws if something does not hold that should.
  let check: @Sendable ([UInt8]) throws(Broken) -> Void

  init(_ name: String, check: @escaping @Sendable ([UInt8]) throws(Broken) -> Void) {
    self.name = name
    self.check = check
  }

  /// Every target.
  static let all = [
    status, management, openvpnConfig, hookEnvironment, environmentFile, settings, sizes, dates,
    csv, json, escaping, journal, access, fence,
  ]
}

/// Something that should hold of every input and does not hold of this one.
struct Broken: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Throws unless something holds.
func require(_ holds: Bool, _ claim: @autoclosure () -> String) throws(Broken) {
  guard holds else { throw Broken("it does not hold that \(claim())") }
}

/// Throws unless two values are the same.
func same<Value: Equatable>(
  _ value: Value, _ other: Value, _ claim: @autoclosure () -> String
) throws(Broken) {
  guard value == other else { throw Broken("\(claim()): \(value) is not \(other)") }
}

/// Throws unless a text is one line that is safe on a terminal.
func requireSafe(_ text: String, _ what: @autoclosure () -> String) throws(Broken) {
  let isSafe = text.unicodeScalars.allSatisfy { scalar in
    if " "..."~" ~= scalar { return true }
    return switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: false
    default: true
    }
  }
  try require(isSafe, "\(what()) has no control character: \(Array(text.utf8))")
}

/// The lines of a text, the empty ones too.
func lines(of bytes: [UInt8]) -> [[UInt8]] {
  bytes.split(separator: 10, omittingEmptySubsequences: false).map { Array($0) }
}

/// The first line of an input, which says how the rest is to be read, and the rest.
func parts(of bytes: [UInt8]) -> (head: [UInt8], body: [UInt8]) {
  let head = Array(bytes.prefix { $0 != 10 })
  return (head, Array(bytes.dropFirst(head.count + 1)))
}

/// Bytes as text; whatever is no UTF-8 is repaired.
func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
