// swift-tools-version: 6.2
import PackageDescription

/// What every target of ours is held to. C is called in several modules, so strict memory safety
/// is on everywhere: an unsafe expression has to say so where it stands.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

/// The hooks of a release are fully static, SQLite included, which halves their start; with
/// `STATIC_HOOKS=no` they use the distribution's libraries.
let hookLinking: [LinkerSetting] =
  Context.environment["STATIC_HOOKS"] == "no"
  ? [] : [.unsafeFlags(["-static-executable"], .when(configuration: .release))]

/// A release of the sweep is not position-independent: its table of relocations, all of it read at
/// the start, is 1 MB of the 16 that a sweep of 10 000 sessions may take.
let sweepLinking: [LinkerSetting] = [
  .unsafeFlags(["-Xlinker", "-no-pie"], .when(configuration: .release))
]

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "openvpn-quota",
  products: [
    .executable(name: "quota-sweep", targets: ["quota-sweep"]),
    .executable(name: "quota-connect", targets: ["quota-connect"]),
    .executable(name: "quota-disconnect", targets: ["quota-disconnect"]),
    .executable(name: "quota-rotate", targets: ["quota-rotate"]),
    .executable(name: "quota-admin", targets: ["quota-admin"]),
    .executable(name: "openvpn-simulator", targets: ["openvpn-simulator"]),
    .executable(name: "bench-floor", targets: ["bench-floor"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .target(name: "POSIX", swiftSettings: strict),
    .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: strict),
    .target(name: "Quota", swiftSettings: strict),
    .target(name: "OpenVPN", dependencies: ["POSIX"], swiftSettings: strict),
    .target(name: "Ledger", dependencies: ["POSIX", "SQLite", "Quota"], swiftSettings: strict),
    .target(name: "CommandSupport", dependencies: ["POSIX", "Quota"], swiftSettings: strict),
    .target(
      name: "Sweep", dependencies: ["POSIX", "Quota", "OpenVPN", "Ledger", "CommandSupport"],
      swiftSettings: strict),
    .target(
      name: "Hooks",
      dependencies: ["POSIX", "Quota", "OpenVPN", "Ledger", "CommandSupport"],
      swiftSettings: strict),
    .executableTarget(
      name: "quota-connect", dependencies: ["Hooks", "CommandSupport"], swiftSettings: strict,
      linkerSettings: hookLinking),
    .executableTarget(
      name: "quota-disconnect", dependencies: ["Hooks", "CommandSupport"], swiftSettings: strict,
      linkerSettings: hookLinking),
    .target(
      name: "Parsing", dependencies: ["POSIX", "CommandSupport", argumentParser],
      swiftSettings: strict),
    .executableTarget(
      name: "quota-sweep", dependencies: ["Sweep", "CommandSupport", "Parsing", argumentParser],
      swiftSettings: strict, linkerSettings: sweepLinking),
    .executableTarget(
      name: "quota-rotate",
      dependencies: [
        "POSIX", "Quota", "Ledger", "CommandSupport", "Sweep", "Parsing", argumentParser,
      ],
      swiftSettings: strict),
    .target(
      name: "Checkup",
      dependencies: ["POSIX", "Quota", "SQLite", "OpenVPN", "Ledger", "CommandSupport", "Sweep"],
      swiftSettings: strict),
    .executableTarget(
      name: "quota-admin",
      dependencies: [
        "POSIX", "Quota", "Ledger", "CommandSupport", "Sweep", "Checkup", "Parsing", argumentParser,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "openvpn-simulator", dependencies: ["POSIX"], path: "Tests/openvpn-simulator",
      swiftSettings: strict),
    .executableTarget(
      name: "bench-floor", dependencies: ["POSIX", "SQLite"], path: "Tests/bench-floor",
      swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["POSIX", "SQLite", "CSQLite"], path: "Tests/TestSupport",
      swiftSettings: strict),
    .executableTarget(
      name: "quota-bench", dependencies: ["POSIX", "SQLite", "TestSupport"], path: "Tests/bench",
      exclude: ["hook.py"], swiftSettings: strict),
    .testTarget(
      name: "SQLiteTests", dependencies: ["SQLite", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "QuotaTests", dependencies: ["Quota", "CommandSupport", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "OpenVPNTests", dependencies: ["OpenVPN", "TestSupport"],
      resources: [.copy("Captures"), .copy("Releases")],
      swiftSettings: strict),
    .testTarget(
      name: "LedgerTests", dependencies: ["Ledger", "SQLite", "Quota", "POSIX", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "CommandSupportTests", dependencies: ["CommandSupport", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "AdminTests", dependencies: ["SQLite", "TestSupport", "quota-admin"],
      exclude: ["Transcripts", "terminal.py"], swiftSettings: strict),
    .testTarget(
      name: "ProgramTests", dependencies: ["SQLite", "TestSupport", "openvpn-simulator"],
      exclude: ["Schemas"], swiftSettings: strict),
    .testTarget(
      name: "SpeedTests", dependencies: ["POSIX", "SQLite", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "FaultTests",
      dependencies: [
        "POSIX", "SQLite", "Quota", "Ledger", "CommandSupport", "Sweep", "quota-rotate",
        "TestSupport", "openvpn-simulator",
      ], swiftSettings: strict),
    .testTarget(
      name: "ModelTests",
      dependencies: ["POSIX", "SQLite", "Quota", "OpenVPN", "Ledger", "Sweep", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "FuzzTests",
      dependencies: ["POSIX", "Quota", "OpenVPN", "Ledger", "CommandSupport", "quota-admin"],
      path: "Tests/Fuzz", exclude: ["Corpus", "Dictionaries"], swiftSettings: strict),
    .testTarget(
      name: "HostTests", dependencies: ["SQLite", "TestSupport"], swiftSettings: strict),
  ]
)

// `make fuzz` has a build of its own, instrumented: one program of what FuzzTests checks. Of
// quota-admin it takes what reads files, for without ArgumentParser it is built in a third of the
// time.
if Context.environment["QUOTA_FUZZ"] != nil {
  let readers = ["POSIX", "Quota", "OpenVPN", "SQLite", "Ledger", "CommandSupport", "Sweep"]
  let reading = readers.map(Target.Dependency.init(stringLiteral:))
  package.products = []
  package.dependencies = []
  package.targets.removeAll { !(readers + ["CSQLite"]).contains($0.name) }
  package.targets += [
    .target(
      name: "quota-admin", dependencies: reading,
      sources: [
        "Data", "Complaint.swift", "Complaint+Ledger.swift", "Input/Moments.swift",
        "Input/RawArguments.swift", "Input/TermValues.swift", "Input/Values.swift",
      ], swiftSettings: strict),
    .executableTarget(
      name: "fuzz", dependencies: reading + ["quota-admin"], path: "Tests/Fuzz",
      exclude: ["CorpusTests.swift", "Corpus", "Dictionaries"], swiftSettings: strict),
  ]
}

// `make sanitize` builds the tests of what calls C, and of what holds bytes from outside: not those
// of pure rules, nor those that need root or a terminal.
if Context.environment["QUOTA_SANITIZE"] != nil {
  let suites = [
    "SQLiteTests", "OpenVPNTests", "LedgerTests", "CommandSupportTests", "ProgramTests",
    "FuzzTests",
  ]
  package.targets.removeAll { $0.type == .test && !suites.contains($0.name) }
}
