// swift-tools-version: 6.2
import PackageDescription

/// What every target of ours is held to. C is called in several modules, so strict memory safety
/// is on everywhere: an unsafe expression has to say so where it stands.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .unsafeFlags(
    [
      // What the compiler cannot tell of two accesses at once is looked at in debug builds, which the
      // tests run: a twenty-fifth of a sweep.
      "-enforce-exclusivity=unchecked",
      // The linker drops and orders functions one by one.
      "-Xfrontend", "-function-sections",
    ], .when(configuration: .release)),
]

/// The hooks of a release are fully static, which halves their start, also where they are ordinary
/// Swift.
let hookLinking: [LinkerSetting] = [
  .unsafeFlags(["-static-executable"], .when(configuration: .release))
]

/// The commands of a release are linked by lld, which packs what the loader has to do; `.ci/build` puts
/// libraries into the folder that are to be linked in.
let commandLinking: [LinkerSetting] = [
  .unsafeFlags(["-use-ld=lld", "-L.build/static"], .when(configuration: .release))
]

let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "openvpn-quota",
  products: [
    .executable(name: "openvpn-quota", targets: ["openvpn-quota"]),
    .executable(name: "quota-hook", targets: ["quota-hook"]),
    .executable(name: "quota-sync", targets: ["quota-sync"]),
    .executable(name: "openvpn-simulator", targets: ["openvpn-simulator"]),
    .executable(name: "bench-floor", targets: ["bench-floor"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .target(name: "CSystem"),
    .target(name: "System", dependencies: ["CSystem"], swiftSettings: strict),
    .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: strict),
    .target(name: "Quota", swiftSettings: strict),
    .target(name: "Gate", dependencies: ["System", "Quota"], swiftSettings: strict),
    .target(name: "OpenVPN", dependencies: ["System"], swiftSettings: strict),
    .target(name: "Servers", dependencies: ["System", "OpenVPN"], swiftSettings: strict),
    .target(
      name: "Ledger", dependencies: ["System", "SQLite", "Quota", "Gate", "Support"],
      swiftSettings: strict),
    .target(name: "Support", dependencies: ["System", "Quota"], swiftSettings: strict),
    .target(
      name: "Sweep",
      dependencies: [
        "System", "Quota", "Gate", "OpenVPN", "Servers", "Ledger", "Support", "Fence",
      ],
      swiftSettings: strict),
    .target(
      name: "Fence", dependencies: ["System", "Quota", "Gate", "Support"], swiftSettings: strict),
    .target(
      name: "Hooks", dependencies: ["System", "Quota", "OpenVPN", "Gate"], swiftSettings: strict),
    // Its main is C: Embedded Swift has no CommandLine.
    .executableTarget(name: "quota-hook", dependencies: ["Hooks"], linkerSettings: hookLinking),
    .target(
      name: "Admin",
      dependencies: [
        "System", "Quota", "Gate", "SQLite", "OpenVPN", "Servers", "Ledger", "Support", "Sweep",
        "Fence", argumentParser,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "openvpn-quota", dependencies: ["Admin", "Support", "System"], swiftSettings: strict,
      linkerSettings: commandLinking),
    // The only one that needs libpq: it is a package of its own.
    .target(
      name: "Sync", dependencies: ["CPostgreSQL", "System", "Quota", "Gate", "Ledger", "Support"],
      swiftSettings: strict),
    .executableTarget(
      name: "quota-sync",
      dependencies: ["Sync", "Admin", "Ledger", "Sweep", "Support", "System", argumentParser],
      swiftSettings: strict, linkerSettings: commandLinking),
    .executableTarget(
      name: "openvpn-simulator", dependencies: ["System"], path: "Tests/openvpn-simulator",
      swiftSettings: strict, linkerSettings: commandLinking),
    .executableTarget(
      name: "bench-floor", dependencies: ["System", "SQLite"], path: "Tests/bench-floor",
      swiftSettings: strict, linkerSettings: commandLinking),
    .target(
      name: "TestSupport", dependencies: ["System", "SQLite", "CSQLite", "Quota", "Gate", "Fence"],
      path: "Tests/TestSupport",
      swiftSettings: strict),
    .executableTarget(
      name: "quota-bench", dependencies: ["System", "SQLite", "TestSupport"], path: "Tests/bench",
      exclude: ["hook.py", "hook-floor.c"], swiftSettings: strict),
    .testTarget(
      name: "SQLiteTests", dependencies: ["SQLite", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "QuotaTests", dependencies: ["Quota", "Support", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "GateTests", dependencies: ["Gate", "Quota", "System", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "FenceTests",
      dependencies: ["Fence", "Gate", "Quota", "Support", "System", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "HooksTests", dependencies: ["Hooks", "Gate", "Quota", "System", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "OpenVPNTests", dependencies: ["OpenVPN", "System", "TestSupport"],
      resources: [.copy("Captures"), .copy("Releases")],
      swiftSettings: strict),
    .testTarget(
      name: "ServersTests", dependencies: ["Servers", "OpenVPN", "System", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "LedgerTests",
      dependencies: ["Ledger", "Gate", "SQLite", "Quota", "System", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "SupportTests", dependencies: ["Support", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "AdminTests",
      dependencies: ["OpenVPN", "Quota", "SQLite", "Servers", "TestSupport", "Admin"],
      exclude: ["Transcripts", "terminal.py"], swiftSettings: strict),
    .testTarget(
      name: "ProgramTests", dependencies: ["SQLite", "TestSupport", "openvpn-simulator"],
      swiftSettings: strict),
    .testTarget(
      name: "SpeedTests", dependencies: ["System", "SQLite", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "FaultTests",
      dependencies: [
        "System", "SQLite", "Quota", "Gate", "Hooks", "Ledger", "Support", "Sweep", "Admin",
        "TestSupport", "openvpn-simulator",
      ], swiftSettings: strict),
    .testTarget(
      name: "SyncTests",
      dependencies: [
        "Sync", "Ledger", "Gate", "Quota", "SQLite", "Support", "System", "TestSupport",
        "quota-sync",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "SweepTests",
      dependencies: ["System", "Quota", "OpenVPN", "Ledger", "Support", "Sweep", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "ModelTests",
      dependencies: [
        "System", "SQLite", "Quota", "OpenVPN", "Gate", "Hooks", "Ledger", "Support", "Sweep",
        "Sync",
        "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "FuzzTests",
      dependencies: ["System", "Quota", "Gate", "OpenVPN", "Ledger", "Support", "Fence", "Admin"],
      path: "Tests/Fuzz", exclude: ["Corpus", "Dictionaries"], swiftSettings: strict),
    .testTarget(
      name: "HostTests", dependencies: ["SQLite", "TestSupport"], swiftSettings: strict),
  ]
)

// `make fuzz` has a build of its own, instrumented: one program of what FuzzTests checks. Of
// Admin it takes what reads files, for without ArgumentParser it is built in a third of the
// time.
if Context.environment["QUOTA_FUZZ"] != nil {
  let readers = [
    "System", "Quota", "Gate", "OpenVPN", "Servers", "SQLite", "Ledger", "Support", "Sweep",
    "Fence",
  ]
  let reading = readers.map(Target.Dependency.init(stringLiteral:))
  package.products = []
  package.dependencies = []
  package.targets.removeAll { !(readers + ["CSystem", "CSQLite"]).contains($0.name) }
  package.targets += [
    .target(
      name: "Admin", dependencies: reading,
      sources: [
        "UserFiles", "Values", "CommandError.swift", "Output/Listing.swift", "Output/Table.swift",
        "Output/Terminal.swift", "Output/Words.swift",
      ], swiftSettings: strict),
    .executableTarget(
      name: "fuzz", dependencies: reading + ["Admin"], path: "Tests/Fuzz",
      exclude: ["CorpusTests.swift", "Corpus", "Dictionaries"], swiftSettings: strict),
  ]
}

// `make sanitize` builds the tests of what calls C, and of what holds bytes from outside: not those
// of pure rules, nor those that need root or a terminal.
if Context.environment["QUOTA_SANITIZE"] != nil {
  let suites = [
    "SQLiteTests", "OpenVPNTests", "ServersTests", "LedgerTests", "SupportTests", "ProgramTests",
    "FuzzTests",
  ]
  package.targets.removeAll { $0.type == .test && !suites.contains($0.name) }
}

// The hooks alone in Embedded Swift, without a runtime, linked statically with musl; .ci/hooks finds
// out where things are: QUOTA_EMBEDDED_LIBC (crt and libc.a), _HEADERS (musl's), _UNICODE (Swift's
// tables), _BUILTINS (the compiler's own functions).
func place(_ name: String) -> String {
  Context.environment["QUOTA_EMBEDDED_\(name)"] ?? "/QUOTA_EMBEDDED_\(name)-is-not-set"
}

if Context.environment["QUOTA_EMBEDDED_LIBC"] != nil {
  let swift =
    strict + [
      .enableExperimentalFeature("Embedded"),
      .unsafeFlags(["-wmo", "-Osize"]),
    ]
  let c: [CSetting] = [
    .define("QUOTA_EMBEDDED"),
    .unsafeFlags(
      ["-nostdlibinc", "-isystem", place("HEADERS"), "-O2", "-fPIE", "-ffunction-sections"]),
  ]
  let objects =
    ["rcrt1.o", "crti.o"].map { place("LIBC") + "/" + $0 }
    + [place("UNICODE"), place("LIBC") + "/libc.a", place("BUILTINS"), place("LIBC") + "/crtn.o"]
  // Each page that a hook touches costs it a page fault: so what is written to begins with a page of its
  // own, and constants lie beside the code. 17 faults in place of 20, 8 of 290 µs.
  let layout = ["--no-rosegment", "-z", "separate-loadable-segments"]
  let linker = ["--gc-sections", "-s", "-z", "relro", "-z", "now"] + layout + objects
  package.products = []
  package.dependencies = []
  package.targets = [
    .target(name: "CSystem", cSettings: c),
    .target(
      name: "System", dependencies: ["CSystem"], exclude: ["Glibc"], swiftSettings: swift),
    .target(name: "Quota", swiftSettings: swift),
    .target(
      name: "OpenVPN", dependencies: ["System"],
      sources: ["Bytes.swift", "HookEnvironment.swift"], swiftSettings: swift),
    .target(name: "Gate", dependencies: ["System", "Quota"], swiftSettings: swift),
    .target(
      name: "Hooks", dependencies: ["System", "Quota", "OpenVPN", "Gate"], swiftSettings: swift),
    .executableTarget(
      name: "quota-hook", dependencies: ["Hooks"], cSettings: c,
      linkerSettings: [
        .unsafeFlags(
          [
            "-enable-experimental-feature", "Embedded", "-use-ld=lld", "-Xclang-linker",
            "-nostdlib",
            "-Xclang-linker", "-static-pie",
          ] + linker.flatMap { ["-Xlinker", $0] })
      ]),
  ]
}
