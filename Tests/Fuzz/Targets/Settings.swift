import Glibc
import OpenVPN
import System

@testable import Support

extension FuzzTarget {
  /// `quota.conf`.
  static let settings = FuzzTarget("settings") { bytes throws(Broken) in
    guard bytes.count <= SettingsLoading.limit - 16 else { return }
    let lenient = withFile(of: bytes) { Settings.loadLeniently(config: $0, environment: []) }
    let strict = withFile(of: bytes) { path in
      Result { () throws(SettingsError) in try Settings.load(config: path, environment: []) }
    }
    switch strict {
    case .success(let strict): try same(strict.settings, lenient.settings, "what is loaded")
    case .failure(let error):
      try requireSafe(error.message, "the complaint")
      try require(lenient.problems.contains(where: \.isError), "a hook complains as well")
    }
    try check(lenient, bytes)
    try checkComment(bytes, lenient)
    if (try? strict.get()) != nil { try checkVariables(bytes, lenient.settings) }
  }

  /// `O_TMPFILE`, which Swift does not take from the C header.
  private static let nameless = O_DIRECTORY | 0o20_000_000

  private static func withFile<Result>(
    of bytes: [UInt8], _ body: (String) -> Result
  ) -> Result {
    // A file that has no name in a folder, and is opened anew by every reader.
    let file = try? Descriptor.open("/dev/shm", O_RDWR | nameless, mode: 0o600)
    guard let file else { fatalError("there is no /dev/shm to write to") }
    try? file.write(bytes.span, to: "a file in memory")
    return body("/proc/self/fd/\(file.number)")
  }

  /// Every complaint is a line about a line, and what was not complained of is in its range.
  private static func check(_ loaded: LoadedSettings, _ bytes: [UInt8]) throws(Broken) {
    try require(loaded.problems.count <= 22, "there are only so many complaints")
    let count = 1 + bytes.count { $0 == 10 }
    for problem in loaded.problems {
      try requireSafe(problem.message, "a complaint")
      let line = problem.place.split(separator: ":").last.flatMap { Int($0) } ?? 0
      try require(1...count ~= line, "\(problem.place) is a line of the file")
    }
    let settings = loaded.settings
    try require(30...60 ~= settings.monitorInterval, "MONITOR_INTERVAL is in its range")
    try require(1...30 ~= settings.managementTimeout, "MANAGEMENT_TIMEOUT is in its range")
    try require(1...10 ~= settings.retryAttempts, "RETRY_ATTEMPTS is in its range")
    try require(settings.defaultQuota >= 0 && settings.maxLogSize >= 0, "a size is not negative")
    try require(1...255 ~= settings.killMessage.count, "KILL_MESSAGE can be sent")
    let kill = try? ManagementCommand.clientKill(1, message: settings.killMessage)
    try require(kill != nil, "KILL_MESSAGE can be sent")
    try require(settings.notifyAt == settings.notifyAt.sorted(), "NOTIFY_AT goes up")
    try require(settings.database.hasPrefix("/"), "DATABASE is a whole path")
    try checkServers(settings.management)
  }

  /// A server of `MANAGEMENT`, written down as it was understood, is the same server.
  private static func checkServers(_ setting: String) throws(Broken) {
    let servers: [ManagementEndpoint]
    do throws(ManagementSettingError) {
      servers = try ManagementEndpoint.list(fromSetting: setting)
    } catch {
      return try requireSafe(error.description, "the complaint about a server")
    }
    for server in servers {
      let again = try? ManagementEndpoint.list(fromSetting: "x=\(server.address)")
      try same(again?.first?.address, server.address, "the address of a server")
    }
  }

  /// A comment in front moves every complaint by a line and changes nothing else.
  private static func checkComment(
    _ bytes: [UInt8], _ loaded: LoadedSettings
  ) throws(Broken) {
    let other = withFile(of: Array("# comment\n".utf8) + bytes) {
      Settings.loadLeniently(config: $0, environment: [])
    }
    try same(other.settings, loaded.settings, "what is loaded behind a comment")
    try same(other.problems.map(\.text), loaded.problems.map(\.text), "complaints behind a comment")
  }

  /// The same values from the environment are the same settings.
  private static func checkVariables(
    _ bytes: [UInt8], _ settings: Settings
  ) throws(Broken) {
    var variables: [String] = []
    for entry in assignments(of: bytes) {
      guard let value = entry.value, Settings.keys.contains(text(entry.key)) else { continue }
      guard String(utf8: value) != nil else { return }
      variables.append("\(text(entry.key))=\(text(value))")
    }
    let loaded = withFile(of: []) { Settings.loadLeniently(config: $0, environment: variables) }
    try same(loaded.settings, settings, "settings from the environment")
  }
}
