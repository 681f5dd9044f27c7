import Foundation

@testable import OpenVPN

/// What a real server said, from the folder `Captures`; its README tells where each comes from.
enum Capture {
  static func bytes(_ name: String) throws -> [UInt8] {
    let folder = Bundle.module.bundleURL.appendingPathComponent("Captures")
    return [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
  }

  static func listing(_ name: String) throws -> StatusListing {
    StatusListing(parsing: try bytes(name))
  }

  /// The variables of a captured hook environment.
  static func environment(_ name: String) throws -> [String: [UInt8]] {
    let lines = try bytes(name).split(separator: Bytes.lineFeed)
    return lines.reduce(into: [:]) { variables, line in
      let key = line.prefix { $0 != UInt8(ascii: "=") }
      variables[text(key)] = Array(line.dropFirst(key.count + 1))
    }
  }
}

/// Bytes of a test as text.
func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
