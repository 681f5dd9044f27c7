import System
import Quota

/// Writes the `key=value` lines of a file in the spool.
struct FieldWriter {
  private var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(256) }

  mutating func write(_ key: StaticString, _ value: some Sequence<UInt8>) {
    start(key)
    for byte in value { bytes.appendEscaped(byte) }
    bytes.append(UInt8(ascii: "\n"))
  }

  mutating func write(_ key: StaticString, _ text: String) { write(key, text.utf8) }

  mutating func write(_ key: StaticString, _ number: Int64) { write(key, String(number)) }

  mutating func write(_ identity: SessionIdentity) {
    write("boot", identity.boot)
    write("pid", identity.pid)
    write("connected-since", identity.connectedSince)
    write("address", identity.address)
  }

  /// The line that a field has.
  static func line(_ key: StaticString, _ value: [UInt8]) -> [UInt8] {
    var writer = FieldWriter()
    writer.write(key, value)
    return writer.bytes
  }

  /// All lines, and the one that shows that none is missing.
  var finished: [UInt8] { bytes + "end\n".utf8 }

  private mutating func start(_ key: StaticString) {
    bytes.append(contentsOf: key.description.utf8)
    bytes.append(UInt8(ascii: "="))
  }
}

/// Reads the lines that `FieldWriter` wrote.
struct FieldReader {
  private var fields: [(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []

  /// - Returns: nil unless every line is a field and the last is `end`.
  init?(_ content: [UInt8]) {
    let lines = content.split(separator: UInt8(ascii: "\n"))
    guard content.last == UInt8(ascii: "\n"), let last = lines.last, last.elementsEqual("end".utf8)
    else { return nil }
    for line in lines.dropLast() {
      guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { return nil }
      fields.append((line[..<equals], line[(equals + 1)...]))
    }
  }

  /// The bytes of a field, nil where there is none or what stands there is no escape.
  subscript(key: String) -> [UInt8]? {
    guard let field = fields.first(where: { $0.key.elementsEqual(key.utf8) }) else { return nil }
    return [UInt8](unescaping: field.value)
  }

  /// The bytes of all fields of a key that may come more than once.
  func all(_ key: String) -> [[UInt8]] {
    fields.filter { $0.key.elementsEqual(key.utf8) }.compactMap { [UInt8](unescaping: $0.value) }
  }

  func text(_ key: String) -> String? { self[key].map { String(decoding: $0, as: UTF8.self) } }

  func integer(_ key: String) -> Int64? { text(key).flatMap { Int64($0) } }

  var identity: SessionIdentity? {
    guard let boot = integer("boot"), let pid = integer("pid"),
      let connectedSince = integer("connected-since"), let address = text("address")
    else { return nil }
    return SessionIdentity(boot: boot, pid: pid, connectedSince: connectedSince, address: address)
  }

  var counters: Traffic? {
    guard let received = integer("received"), let sent = integer("sent"), received >= 0, sent >= 0
    else { return nil }
    return Traffic(received: received, sent: sent)
  }
}

extension UInt8 {
  /// Whether the byte means nothing special in a file name or a field.
  var isPlain: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: ":"),
      UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "@"):
      true
    default: false
    }
  }
}

extension [UInt8] {
  /// Appends a byte, as `%hh` unless it is plain.
  mutating func appendEscaped(_ byte: UInt8) {
    if byte.isPlain { return append(byte) }
    append(UInt8(ascii: "%"))
    for digit in [byte >> 4, byte & 15] {
      append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }

  /// Appends bytes as `appendEscaped` does, of more than so many the first and a digest of all.
  mutating func appendShortened(_ bytes: [UInt8], to most: Int) {
    for byte in bytes.prefix(most) { appendEscaped(byte) }
    if bytes.count > most { self += "-\(String(bytes.digest, radix: 16))".utf8 }
  }

  /// The 64-bit FNV-1a hash.
  private var digest: UInt64 {
    reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// Undoes `appendEscaped`; nil for what it cannot have written.
  init?(unescaping bytes: some Collection<UInt8>) {
    self = []
    var rest = bytes[...]
    while let byte = rest.popFirst() {
      if byte.isPlain {
        append(byte)
      } else {
        guard byte == UInt8(ascii: "%"), let high = rest.popFirst().flatMap(hexadecimalDigit),
          let low = rest.popFirst().flatMap(hexadecimalDigit)
        else { return nil }
        append(high << 4 | low)
      }
    }
  }
}
