import Ledger

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
    try requireSafe(HookEnvironment.clientAddress(reading: value) ?? "", "the client's address")
    try requireSafe(HookEnvironment.serverName(reading: value) ?? "", "the server's name")
    let read = Result { () throws(HookEnvironmentError) in try HookEnvironment(reading: value) }
    switch read {
    case .failure(let error): try requireSafe(error.description, "the complaint")
    case .success(let environment):
      try check(environment)
      try checkListing(environment, value)
      try checkRecord(environment)
    }
  }

  private static func check(_ environment: HookEnvironment) throws(Broken) {
    let counters = [environment.bytesReceived, environment.bytesSent, environment.duration]
    try require(counters.allSatisfy { $0 ?? 0 >= 0 }, "no counter is negative")
    try require(
      environment.script == .disconnect || counters.allSatisfy { $0 == nil },
      "only a disconnect hook has counters")
    for problem in environment.problems { try requireSafe(problem.description, "a problem") }
    try require(environment.processID > 0, "the process id is one")
    try require(environment.connectedSince >= 0, "the time is one")
    try require(
      environment.commonName?.isEmpty != true && environment.username?.isEmpty != true,
      "a name that is empty is none")
  }

  /// A listing's row with the same three names has the same address.
  private static func checkListing(
    _ environment: HookEnvironment, _ value: (StaticString) -> [UInt8]?
  ) throws(Broken) {
    let fields = [
      environment.commonName ?? [], Array("10.77.0.2:1".utf8),
      value("ifconfig_pool_remote_ip") ?? [], value("ifconfig_pool_remote_ip6") ?? [],
      Array("1".utf8), Array("2".utf8), Array("\(environment.connectedSince)".utf8),
    ]
    guard !fields.contains(where: { $0.contains { $0 < 32 } }), !(fields[2] + fields[3]).isEmpty
    else { return }
    let listing = """
      TITLE\tx
      HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tVirtual IPv6 Address\t\
      Bytes Received\tBytes Sent\tConnected Since (time_t)
      CLIENT_LIST\t
      """
    let row = Array(fields.joined(separator: [9])) + [10]
    let rows = StatusListing(parsing: Array(listing.utf8) + row).rows
    try same(rows.first?.address, environment.address, "the address in a listing")
  }

  /// What the hook leaves of it in the spool is read back, and has a name that a file can have.
  private static func checkRecord(_ environment: HookEnvironment) throws(Broken) {
    let name = UserName(bytes: environment.commonName ?? [])
    let identity = SessionIdentity(
      boot: 1, pid: environment.processID, connectedSince: environment.connectedSince,
      address: environment.address.text)
    let record = SpoolRecord.admitted(
      Admission(identity: identity, commonName: name, owner: name), at: 1)
    try same(SpoolRecord(kind: "admitted", content: record.encoded), record, "the record")
    try checkFileName(record.fileName)
  }
}
