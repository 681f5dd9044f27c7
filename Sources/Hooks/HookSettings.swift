import OpenVPN
import Quota
import System

/// What of the settings a hook needs before it can read the access table, which brings all others: the
/// directory of `DATABASE`, and `ON_ERROR` for a table that cannot be read.
///
/// A hook never stops at a bad setting: it says what is wrong, and what held before it holds on.
struct HookSettings: Equatable {
  /// The state directory.
  private(set) var directory = System.directory(of: InstalledPaths.database)
  private(set) var onError = OnError.allow
  /// What was wrong.
  private(set) var problems: [String] = []

  /// The most bytes a file may have.
  private static let limit = 256 << 10

  /// Reads the file that `--config` names, else the one that `QUOTA_CONFIG` does, else the default one,
  /// which need not be there; environment variables win over it.
  init(config: String?, reading variable: (StaticString) -> [UInt8]?) {
    let named = variable("QUOTA_CONFIG").flatMap {
      $0.isEmpty ? nil : String(decoding: $0, as: UTF8.self)
    }
    let path = config ?? named
    read(path ?? InstalledPaths.settings, mayBeMissing: path == nil)
    if let database = variable("DATABASE") { takeDatabase(database, from: "environment") }
    if let word = variable("ON_ERROR") { takeOnError(word, from: "environment") }
  }

  private mutating func read(_ path: String, mayBeMissing: Bool) {
    let text: [UInt8]
    do throws(SystemError) { text = try contents(ofRegularFile: path, limit: Self.limit) } catch {
      if !mayBeMissing || error.code != SystemError.notFound {
        problems.append("\(error.description); the defaults hold")
      }
      return
    }
    var file = EnvironmentFile(text)
    var value: [UInt8] = []
    while let entry = file.next(into: &value) {
      guard entry.isAssignment else { continue }
      let key = text.span.extracting(entry.key)
      if Bytes.equal(key, "DATABASE") { takeDatabase(value, from: "\(path):\(entry.line)") }
      if Bytes.equal(key, "ON_ERROR") { takeOnError(value, from: "\(path):\(entry.line)") }
    }
  }

  private mutating func takeDatabase(_ value: [UInt8], from place: String) {
    guard value.first == UInt8(ascii: "/"), value.last != UInt8(ascii: "/"), value.count < 4096
    else {
      return refuse("DATABASE", value, "a file's absolute path of at most 4095 bytes", place)
    }
    directory = System.directory(of: String(decoding: value, as: UTF8.self))
  }

  private mutating func takeOnError(_ value: [UInt8], from place: String) {
    if let choice = OnError(word: value.span) {
      onError = choice
    } else {
      refuse("ON_ERROR", value, "one of: \(OnError.words)", place)
    }
  }

  private mutating func refuse(
    _ key: String, _ value: [UInt8], _ allowed: String, _ place: String
  ) {
    problems.append("\(place): \(key) is '\(printable(value, limit: 60))'; allowed is \(allowed)")
  }
}
