import Glibc
import System
import Testing
import TestSupport

@testable import Support

@Suite struct SettingsSourcesTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test func `The environment wins over the file`() throws {
    let file = try folder.write("RETRY_ATTEMPTS=2\nLOG_FILE=/l\n", to: "a.conf")
    let loaded = try Settings.load(config: file, environment: ["RETRY_ATTEMPTS=4", "LOG_FILE="])
    #expect(loaded.settings.retryAttempts == 4)
    #expect(loaded.settings.logFile.isEmpty)
    #expect(loaded.problems.isEmpty)
    #expect(loaded.file == file)
  }

  @Test func `A bad variable is reported as one, and in a hook the file's value holds`() throws {
    let file = try folder.write("RETRY_ATTEMPTS=2\n", to: "a.conf")
    let error = #expect(throws: SettingsError.self) {
      try Settings.load(config: file, environment: ["RETRY_ATTEMPTS=many"])
    }
    #expect(
      error?.message
        == "environment: RETRY_ATTEMPTS is \"many\"; allowed are whole tries from 1 to 10")
    let loaded = Settings.loadLeniently(config: file, environment: ["RETRY_ATTEMPTS=many"])
    #expect(loaded.settings.retryAttempts == 2)
    #expect(loaded.problems.map(\.place) == ["environment"])
  }

  @Test func `Only variables with exactly the name of a key count`() throws {
    let file = try folder.write("", to: "a.conf")
    let loaded = try Settings.load(
      config: file,
      environment: [
        "UV_RETRY_ATTEMPTS=9", "IV_DATABASE=/evil", "X509_0_DATABASE=/evil", "DATABASE2=/evil",
        "database=/evil", "DATABAS=/evil", "DATABASE", "=DATABASE=/evil", "", "=",
        "config=/evil", "CONFIG=/evil", "QUOTA_CONFIGS=/evil", "_DATABASE=/evil",
        " DATABASE=/evil", "MANAGEMENT_=x",
      ])
    #expect(loaded.settings == Settings())
    #expect(loaded.problems.isEmpty)
  }

  @Test func `The file is the one of the option, else the one of QUOTA_CONFIG`() throws {
    let one = try folder.write("RETRY_ATTEMPTS=1\n", to: "1.conf")
    let two = try folder.write("RETRY_ATTEMPTS=2\n", to: "2.conf")
    let named = try Settings.load(environment: ["QUOTA_CONFIG=\(two)"])
    #expect(named.settings.retryAttempts == 2)
    #expect(named.file == two)
    let both = try Settings.load(config: one, environment: ["QUOTA_CONFIG=\(two)"])
    #expect(both.settings.retryAttempts == 1)
  }

  @Test func `A file that was named must be there`() {
    let missing = "\(folder.path)/missing.conf"
    for (config, environment) in [(missing, []), (nil, ["QUOTA_CONFIG=\(missing)"])] {
      let error = #expect(throws: SettingsError.self) {
        try Settings.load(config: config, environment: environment)
      }
      #expect(error?.message == "cannot open \(missing): No such file or directory")
      #expect(error?.exitStatus == .configuration)
    }
  }

  @Test func `Without a default file all defaults hold, and the environment`() throws {
    var loading = SettingsLoading(defaultFile: "\(folder.path)/none/quota.conf")
    #expect(loading.load(nil, ["RETRY_ATTEMPTS=4", "QUOTA_CONFIG="]) == nil)
    var expected = Settings()
    expected.retryAttempts = 4
    #expect(loading.loaded == LoadedSettings(settings: expected, problems: [], file: nil))
  }

  @Test func `A file that cannot be read leaves a hook with the defaults and the environment`() {
    for (path, why) in [
      ("\(folder.path)/none", "cannot open \(folder.path)/none: No such file or directory"),
      (folder.path, "cannot read \(folder.path): Is a directory"),
      ("/dev/zero", "cannot read /dev/zero: File too large"),
    ] {
      let loaded = Settings.loadLeniently(config: path, environment: ["RETRY_ATTEMPTS=4"])
      #expect(loaded.settings.retryAttempts == 4)
      #expect(loaded.problems.count == 1)
      #expect(loaded.problems.first?.isError == true)
      #expect(loaded.problems.first?.text.hasPrefix(why) == true)
      #expect(throws: SettingsError.self) { try Settings.load(config: path, environment: []) }
    }
  }

  @Test(.timeLimit(.minutes(4))) func `A pipe that nobody writes to holds up nobody`() throws {
    let pipe = "\(folder.path)/pipe"
    #expect(unsafe mkfifo(pipe, 0o600) == 0)
    let loaded = Settings.loadLeniently(config: pipe, environment: [])
    #expect(loaded.settings == Settings())
  }

  @Test func `An unknown key is a warning with the nearest known key`() throws {
    let file = try folder.write(
      "MONITOR_INTERVALL=45\nmanagement=x\nexport DATABASE=/x\nPATH=/bin\nLOGFILE=/x\n",
      to: "a.conf")
    let loaded = try Settings.load(config: file, environment: [])
    #expect(loaded.settings == Settings())
    #expect(
      loaded.problems.map(\.message) == [
        "\(file):1: unknown key \"MONITOR_INTERVALL\"; did you mean MONITOR_INTERVAL?",
        "\(file):2: unknown key \"management\"; did you mean MANAGEMENT?",
        "\(file):3: unknown key \"export DATABASE\"", "\(file):4: unknown key \"PATH\"",
        "\(file):5: unknown key \"LOGFILE\"; did you mean LOG_FILE?",
      ])
    #expect(loaded.problems.allSatisfy { !$0.isError })
  }

  @Test func `A key given twice is a warning, and the last one holds`() throws {
    let file = try folder.write("COUNT=sent\nCOUNT=received\n", to: "a.conf")
    let loaded = try Settings.load(config: file, environment: [])
    #expect(loaded.settings.count == .received)
    #expect(
      loaded.problems.map(\.message) == [
        "\(file):2: COUNT was given before; the last one holds"
      ])
  }

  @Test func `A file full of rubbish gives a few problems and still stops a program`() throws {
    let rubbish = String(repeating: "X=1\n", count: 5000)
    let file = try folder.write(rubbish + "COUNT=all\n" + rubbish, to: "a.conf")
    let loaded = Settings.loadLeniently(config: file, environment: [])
    #expect(loaded.problems.count == 22)
    #expect(loaded.problems[20].text.hasSuffix("; there are more problems"))
    #expect(loaded.problems[21].place == "\(file):5001")
    let error = #expect(throws: SettingsError.self) {
      try Settings.load(config: file, environment: [])
    }
    #expect(error?.message.hasPrefix("\(file):5001: COUNT is \"all\"") == true)
  }

  @Test func `A long or hostile key or value is shown short and harmless`() throws {
    let long = String(repeating: "ä", count: 500)
    let file = try folder.write("COUNT=\(long)\n\u{1B}[2J\(long)=1\n", to: "a.conf")
    let loaded = Settings.loadLeniently(config: file, environment: [])
    #expect(loaded.problems.count == 2)
    for problem in loaded.problems {
      #expect(problem.message.utf8.count < 250)
      #expect(problem.message.contains("ä...\""))
      #expect(!problem.message.contains("\u{1B}"))
    }
  }

  @Test func `The process's own environment is read when no other is given`() throws {
    var names: [String] = []
    Environment.forEach { variable in
      var name: [UInt8] = []
      for index in variable.indices {
        if variable[index] == UInt8(ascii: "=") { break }
        name.append(variable[index])
      }
      names.append(String(decoding: name, as: UTF8.self))
    }
    #expect(names.contains("PATH"))
    let file = try folder.write("RETRY_ATTEMPTS=2\n", to: "a.conf")
    #expect(try Settings.load(config: file).settings.retryAttempts == 2)
  }
}
