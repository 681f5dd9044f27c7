import System

/// The files of the project that the tests read.
enum Repository {
  static let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

  /// The bytes of a file of the project.
  static func contents(_ name: String) throws -> [UInt8] {
    try System.contents(ofFile: "\(root)/\(name)")
  }

  /// The lines of a file of the project.
  static func lines(_ name: String) throws -> [String] {
    String(decoding: try contents(name), as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
  }
}
