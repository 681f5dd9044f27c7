import Foundation

/// A directory of a test's own, removed with all it holds when the test lets go of it.
package final class TemporaryDirectory: Sendable {
  /// The absolute path, without a slash at its end.
  package let path: String

  package init() throws {
    let template = FileManager.default.temporaryDirectory
      .appendingPathComponent("oq-\(UUID().uuidString.prefix(8))").path
    try FileManager.default.createDirectory(
      atPath: template, withIntermediateDirectories: true)
    path = template
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file below the directory, with the folders it needs, and gives its path.
  @discardableResult
  package func write(_ text: String, to name: String, mode: Int = 0o644) throws -> String {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    return file
  }
}
