import Gate
import System

@testable import OpenVPN

extension FuzzTarget {
  /// The environment of a hook, a variable a line.
  static let hookEnvironment = FuzzTarget("hook-environment") { bytes throws(Broken) in
    var variables: [String: [UInt8]] = [:]
    for line in lines(of: bytes) where !line.contains(0) {
      guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
      variables[text(line[..<equals])] = Array(line[(equals + 1)...])
    }
    func value(_ name: StaticString) -> [UInt8]? { variables[name.description] }
    let script: HookEnvironment.Script
    do throws(HookEnvironmentError) { script = try HookEnvironment.script(reading: value) } catch {
      return try requireSafe(error.description, "the complaint")
    }
    let read = Result { () throws(HookEnvironmentError) in
      try HookEnvironment(of: script, reading: value)
    }
    switch read {
    case .failure(let error): try requireSafe(error.description, "the complaint")
    case .success(let environment):
      try check(environment, script)
      try checkRecord(environment)
    }
  }

  private static func check(
    _ environment: HookEnvironment, _ script: HookEnvironment.Script
  ) throws(Broken) {
    let counters = [environment.bytesReceived, environment.bytesSent, environment.duration]
    try require(counters.allSatisfy { $0 ?? 0 >= 0 }, "no counter is negative")
    try require(
      script == .disconnect || counters.allSatisfy { $0 == nil },
      "only a disconnect hook has counters")
    for problem in environment.problems { try requireSafe(problem.description, "a problem") }
    try require(environment.processID > 0, "the process id is one")
    try require(environment.connectedSince >= 0, "the time is one")
    let (ipv4, ipv6) = (environment.ipv4, environment.ipv6)
    for address in [ipv4, ipv6] where !address.isEmpty {
      try require(
        InternetAddress(ipv4: address) != nil || InternetAddress(ipv6: address) != nil,
        "a virtual address is one")
    }
  }

  /// What the hook writes of it into the journal is read back.
  private static func checkRecord(_ environment: HookEnvironment) throws(Broken) {
    let record = JournalRecord(
      kind: .end, mark: 1, serverStart: environment.serverStart, server: environment.server,
      pid: environment.processID, connectedSince: environment.connectedSince, realtime: 1,
      boottime: 1, ipv4: environment.ipv4, ipv6: environment.ipv6, device: environment.device,
      clientHost: environment.clientHost, clientPort: environment.clientPort,
      commonName: environment.commonName, username: environment.username,
      received: environment.bytesReceived, sent: environment.bytesSent,
      duration: environment.duration)
    let line = record.encoded()
    let read = JournalRecord(line: line.span.extracting(1...))
    try require(read == record, "the journal's record is read back")
  }
}
