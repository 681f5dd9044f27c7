import Glibc
import System

/// Something wrong with a setting: `file:line: what is wrong and what is allowed`.
package struct SettingsProblem: Equatable, Sendable {
  /// Where it is: `file:line`, `file`, or `environment`.
  package let place: String
  package let text: String
  /// Whether a value could not be used, or the file not be read. Otherwise it is a warning: an
  /// unknown key, a key given twice, a value of doubtful effect.
  package let isError: Bool

  package var message: String { "\(place): \(text)" }
}

/// Why settings cannot be used. Ends a program with 78, or 77 where the file may not be read.
package enum SettingsError: UserFacingError, Equatable {
  /// The file that was named, or a default file that exists, cannot be read.
  case unreadable(SystemError)
  case bad(SettingsProblem)

  package var message: String {
    switch self {
    case .unreadable(let error): error.message
    case .bad(let problem): problem.message
    }
  }

  package var hint: String? {
    switch self {
    case .unreadable(let error): error.hint
    case .bad: "quota.conf(5) has every setting"
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .unreadable(let error): error.exitStatus == .permission ? .permission : .configuration
    case .bad: .configuration
    }
  }
}

/// Settings, and what there was to say about them.
package struct LoadedSettings: Equatable, Sendable {
  package var settings = Settings()
  /// Problems in the order they were met, at most 20 and a last one that says that there are more.
  package var problems: [SettingsProblem] = []
  /// The file they were read from; nil if there is none and all defaults hold.
  package var file: String?
}

extension Settings {
  /// The file that is read if no other is named.
  package static let defaultFile = InstalledPaths.settings

  /// Loads the settings for a program that a person or a timer runs: nothing bad is passed over.
  ///
  /// The file is `config`, else the one that `QUOTA_CONFIG` names, else `defaultFile`, which need
  /// not exist. Environment variables with the name of a key win over the file.
  ///
  /// - Parameter environment: `NAME=VALUE` strings in place of the process's environment.
  /// - Throws: `SettingsError` for the first value that is wrong, or a file that cannot be read.
  package static func load(
    config: String? = nil, environment: [String]? = nil
  ) throws(SettingsError) -> LoadedSettings {
    var loading = SettingsLoading()
    if let unreadable = loading.load(config, environment) { throw .unreadable(unreadable) }
    if let problem = loading.loaded.problems.first(where: \.isError) { throw .bad(problem) }
    return loading.loaded
  }

  /// Loads the settings for `check`, which does not stop at a bad one: it is reported, and what held
  /// before it holds on: that key's default, or the file's value where a variable is bad. A file
  /// that cannot be read is reported too. Otherwise like `load`.
  package static func loadLeniently(
    config: String? = nil, environment: [String]? = nil
  ) -> LoadedSettings {
    var loading = SettingsLoading()
    if let unreadable = loading.load(config, environment) {
      loading.report(
        unreadable.subject, "\(unreadable.message); the defaults hold", isError: true)
    }
    return loading.loaded
  }

  /// The keys of the file and the names of the variables, in the order of `quota.conf(5)`.
  package static var keys: [String] { Setting.all.map(\.name) }
}

struct SettingsLoading {
  var loaded = LoadedSettings()
  /// The variables that are settings, in their order.
  private var variables: [(setting: Setting, value: [UInt8])] = []
  private var named: [UInt8] = []
  private var seen: Set<String> = []
  private let defaultFile: String

  /// The most bytes a file may have.
  static let limit = 256 << 10
  private static let mostProblems = 20

  init(defaultFile: String = Settings.defaultFile) { self.defaultFile = defaultFile }

  /// Loads everything.
  ///
  /// - Returns: why the file cannot be read, if that is so; the variables hold nevertheless.
  mutating func load(_ config: String?, _ environment: [String]?) -> SystemError? {
    if let environment {
      for variable in environment { note(Array(variable.utf8)) }
    } else {
      Environment.forEach { variable in note(variable.indices.map { variable[$0] }) }
    }
    let explicit = config ?? (named.isEmpty ? nil : String(decoding: named, as: UTF8.self))
    let failure = read(explicit ?? defaultFile, mayBeMissing: explicit == nil)
    for variable in variables { take(variable.setting, variable.value, at: "environment") }
    return failure
  }

  private mutating func note(_ variable: [UInt8]) {
    guard let end = variable.firstIndex(of: UInt8(ascii: "=")) else { return }
    let (name, value) = (
      String(decoding: variable[..<end], as: UTF8.self), Array(variable[(end + 1)...])
    )
    if name == "QUOTA_CONFIG" { named = value }
    if let setting = Setting.named(name) { variables.append((setting, value)) }
  }

  private mutating func read(_ path: String, mayBeMissing: Bool) -> SystemError? {
    let text: [UInt8]
    do throws(SystemError) {
      let file = try Descriptor(readingWithoutWaiting: path)
      text = try file.readToEnd(of: path, limit: SettingsLoading.limit)
    } catch {
      return mayBeMissing && (error.code == ENOENT || error.code == ENOTDIR) ? nil : error
    }
    loaded.file = path
    var reader = EnvironmentFile(text)
    var value: [UInt8] = []
    while let entry = reader.next(into: &value) {
      let (key, place) = (String(decoding: text[entry.key], as: UTF8.self), "\(path):\(entry.line)")
      if entry.isAssignment, let setting = Setting.named(key) {
        if !seen.insert(key).inserted {
          report(place, "\(key) was given before; the last one holds")
        }
        take(setting, value, at: place)
      } else {
        refuse(Array(text[entry.key]), entry, in: path)
      }
    }
    return nil
  }

  private mutating func take(_ setting: Setting, _ value: [UInt8], at place: String) {
    do {
      try setting.take(&loaded.settings, SettingValue(bytes: value))
      guard let advice = setting.advice(loaded.settings) else { return }
      report(place, "\(setting.name) is \(SettingsLoading.quoted(value)); \(advice)")
    } catch {
      let state = value.isEmpty ? "empty" : SettingsLoading.quoted(value)
      let allowed = (error as? SettingRefusal)?.allowed ?? "\(error)"
      report(place, "\(setting.name) is \(state); \(allowed)", isError: true)
    }
  }

  private mutating func refuse(_ key: [UInt8], _ entry: EnvironmentFile.Entry, in path: String) {
    let place = "\(path):\(entry.line)"
    guard entry.isAssignment else {
      return report(
        place,
        "\(SettingsLoading.quoted(key)) is not a setting; allowed are KEY=VALUE and "
          + "comments that begin with #", isError: true)
    }
    let nearest = NearestName.of(key, among: Settings.keys).map { "; did you mean \($0)?" } ?? ""
    report(place, "unknown key \(SettingsLoading.quoted(key))\(nearest)")
  }

  mutating func report(_ place: String, _ text: String, isError: Bool = false) {
    let count = loaded.problems.count
    if count < SettingsLoading.mostProblems {
      loaded.problems.append(SettingsProblem(place: place, text: text, isError: isError))
    } else if count == SettingsLoading.mostProblems || isError && !hasError {
      loaded.problems.append(
        SettingsProblem(place: place, text: "\(text); there are more problems", isError: isError))
    }
  }

  private var hasError: Bool { loaded.problems.contains(where: \.isError) }

  /// A text from the file in quotes, escaped, and cut after 60 bytes.
  private static func quoted(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    Escaping.appendQuoted(bytes, to: &text, limit: 60)
    return String(decoding: text, as: UTF8.self)
  }
}

extension DiagnosticPrinter {
  /// Loads the settings, and passes on what there is to say about them, one warning each: the work goes on.
  package func loadedSettings(config: String?) throws(SettingsError) -> LoadedSettings {
    let loaded = try Settings.load(config: config)
    warn(of: loaded.problems)
    return loaded
  }

  func warn(of problems: [SettingsProblem]) {
    for problem in problems { warning(problem.message) }
  }

  package func settings(config: String?) throws(SettingsError) -> Settings {
    try loadedSettings(config: config).settings
  }
}
