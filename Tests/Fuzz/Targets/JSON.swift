@testable import Support
@testable import Admin

extension FuzzTarget {
  /// JSON, and the users that an import makes of it.
  static let json = FuzzTarget("json") { bytes throws(Broken) in
    let read = Result { () throws(JSONError) in try JSONReader.value(of: bytes) }
    switch read {
    case .failure(let error):
      try require(1...1 + bytes.count { $0 == 10 } ~= error.line, "it is a line of the file")
    case .success(let value):
      var text: [UInt8] = []
      write(value, to: &text)
      let again = try? JSONReader.value(of: text)
      try same(again.map(plain), plain(value), "what is written reads back")
    }
    try checkImport(of: bytes, as: { UserFile.json($0, plans: []) })
  }

  /// A value without its lines.
  private static func plain(_ value: JSONValue) -> JSONValue {
    let content: JSONValue.Content =
      switch value.content {
      case .array(let elements): .array(elements.map(plain))
      case .object(let fields):
        .object(fields.map { .init(key: $0.key, value: plain($0.value)) })
      case .null, .truth, .number, .text: value.content
      }
    return JSONValue(line: 1, content: content)
  }

  private static func write(_ value: JSONValue, to text: inout [UInt8]) {
    switch value.content {
    case .null: text += "null".utf8
    case .truth(let truth): text += "\(truth)".utf8
    case .number(let number): text += number.utf8
    case .text(let string): write(string, to: &text)
    case .array(let elements):
      text += "[".utf8
      for (index, element) in elements.enumerated() {
        if index > 0 { text += ",".utf8 }
        write(element, to: &text)
      }
      text += "]".utf8
    case .object(let fields):
      text += "{".utf8
      for (index, field) in fields.enumerated() {
        if index > 0 { text += ",".utf8 }
        write(field.key, to: &text)
        text += ":".utf8
        write(field.value, to: &text)
      }
      text += "}".utf8
    }
  }

  /// Writes a text as the program's own writer does.
  private static func write(_ string: String, to text: inout [UInt8]) {
    var writer = JSONWriter()
    writer.element(string)
    text += writer.bytes
  }
}
