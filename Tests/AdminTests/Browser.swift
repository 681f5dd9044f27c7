import Foundation
import TestSupport

/// A browser that nobody sees.
enum Browser {
  static let path = "/usr/bin/chromium"
  static var isThere: Bool { FileManager.default.isExecutableFile(atPath: path) }

  /// Opens a page, and gives it back as its scripts left it.
  static func document(of page: String, width: Int) throws -> String {
    try run(["--dump-dom", "--virtual-time-budget=2000"], page, width).output
  }

  /// Takes a picture of a page.
  static func screenshot(of page: String, width: Int, to picture: String) throws {
    _ = try run(["--screenshot=\(picture)"], page, width)
  }

  private static func run(_ arguments: [String], _ page: String, _ width: Int) throws -> Outcome {
    let profile = try TemporaryDirectory()
    let environment = ProcessInfo.processInfo.environment.merging(
      ["HOME": profile.path]) { $1 }
    return try Program.run(
      path,
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        "--user-data-dir=\(profile.path)", "--window-size=\(width),2000",
      ] + arguments + ["file://\(page)"], environment: environment, timeout: 120)
  }
}
