import CPostgreSQL
import System

/// One connection to PostgreSQL, or to an engine that speaks like it, closed when its owner lets go of it.
///
/// Nothing here waits longer than the deadline, whatever the server does: libpq is never asked to wait,
/// it is asked what to wait for. Only the machine's resolver takes its own time to find an address.
@safe package struct PostgresConnection: ~Copyable {
  private let handle: OpaquePointer
  /// When all has to be over, by the monotonic clock.
  package internal(set) var deadline: Duration
  /// How many times a transaction ran anew.
  package let retries = Retries()

  package final class Retries { package internal(set) var count = 0 }

  /// Connects to the first host of a connection string that answers, each in its turn.
  ///
  /// - Parameters:
  ///   - settings: a connection string as libpq has it; what it leaves out, libpq's environment variables say.
  ///   - patience: how long one host may take.
  ///   - deadline: when all has to be over, by the monotonic clock.
  package static func open(
    _ settings: String, patience: Duration, deadline: Duration
  ) throws(PostgresError) -> PostgresConnection {
    let connection = unsafe PostgresConnection(
      owning: try openFirst(
        of: PostgresHosts(settings), patience: patience, deadline: deadline), deadline: deadline)
    // A host that is gone in the middle of a transaction keeps nobody waiting for its locks.
    try connection.execute(
      """
      SET statement_timeout = 60000; SET lock_timeout = 10000;
      SET idle_in_transaction_session_timeout = 30000
      """)
    return connection
  }

  @unsafe private init(owning handle: OpaquePointer, deadline: Duration) {
    unsafe self.handle = handle
    self.deadline = deadline
  }

  deinit { unsafe PQfinish(handle) }

  private static func openFirst(
    of hosts: PostgresHosts, patience: Duration, deadline: Duration
  ) throws(PostgresError) -> OpaquePointer {
    var failure = PostgresError(.disconnected, "SYNC names no host")
    for index in 0..<hosts.count {
      do throws(PostgresError) {
        let end = min(deadline, Clock.monotonic + patience)
        return try unsafe open(hosts.parameters(of: index), until: end)
      } catch {
        failure = error
      }
    }
    throw failure
  }

  private static func open(
    _ parameters: [(name: String, value: String)], until end: Duration
  ) throws(PostgresError) -> OpaquePointer {
    let started = unsafe withCStrings(parameters.map(\.name)) { names in
      unsafe withCStrings(parameters.map(\.value)) { values in
        unsafe PQconnectStartParams(names, values, 1)
      }
    }
    guard let handle = unsafe started else { throw PostgresError(.disconnected, "no memory") }
    unsafe PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
    do throws(PostgresError) {
      try unsafe connect(handle, until: end)
      return unsafe handle
    } catch {
      unsafe PQfinish(handle)
      throw error
    }
  }

  private static func connect(
    _ handle: OpaquePointer, until end: Duration
  ) throws(PostgresError) {
    var wants = PGRES_POLLING_WRITING
    if unsafe PQstatus(handle) == CONNECTION_BAD { wants = PGRES_POLLING_FAILED }
    while wants != PGRES_POLLING_OK {
      if wants == PGRES_POLLING_FAILED {
        throw unsafe PostgresError(.disconnected, libpq: String(cString: PQerrorMessage(handle)))
      }
      try unsafe wait(for: handle, toWrite: wants == PGRES_POLLING_WRITING, until: end)
      wants = unsafe PQconnectPoll(handle)
    }
    // What is sent waits in libpq where the server does not take it.
    unsafe PQsetnonblocking(handle, 1)
    // The server's notices are not ours to tell.
    unsafe PQsetNoticeProcessor(handle, { _, _ in }, nil)
  }

  private static func wait(
    for handle: OpaquePointer, toWrite: Bool, until end: Duration
  ) throws(PostgresError) {
    let socket = unsafe PQsocket(handle)
    while true {
      let left = end - Clock.monotonic
      guard left > .zero else {
        let host = unsafe PQhost(handle).map { unsafe String(cString: $0) } ?? ""
        throw PostgresError(
          .timedOut, "\(host.isEmpty ? "the server" : host) does not answer in time")
      }
      var ready = [Readiness(descriptor: socket, wantsToWrite: toWrite)]
      Readiness.wait(for: &ready, atMost: left)
      if ready[0].canRead || toWrite && ready[0].canWrite { return }
    }
  }

  /// Runs one or several statements that have no parameters.
  package func execute(_ sql: String) throws(PostgresError) {
    _ = try finish(unsafe PQsendQuery(handle, sql))
  }

  /// Runs a statement; `$1` is the first of the values.
  @discardableResult
  package func run(
    _ sql: String, _ values: PostgresValue...
  ) throws(PostgresError) -> PostgresRows {
    let texts = values.map(\.encoded)
    let sent = unsafe withCStrings(texts) { pointers in
      unsafe PQsendQueryParams(handle, sql, Int32(texts.count), nil, pointers, nil, nil, 0)
    }
    return try finish(sent)
  }

  /// Waits for the answer to what was sent.
  ///
  /// - Parameter sent: what libpq said when it was handed over.
  private func finish(_ sent: Int32) throws(PostgresError) -> PostgresRows {
    guard sent == 1 else { throw lost }
    try flush()
    var last: PostgresRows?
    var failure: PostgresError?
    while let rows = try next() {
      if failure == nil { failure = rows.failure }
      last = consume rows
    }
    if let failure { throw failure }
    guard let last else { throw lost }
    return last
  }

  private func flush() throws(PostgresError) {
    while true {
      let left = unsafe PQflush(handle)
      if left == 0 { return }
      guard left == 1 else { throw lost }
      try unsafe PostgresConnection.wait(for: handle, toWrite: true, until: deadline)
      // The server may be sending, and take nothing until that is read.
      guard unsafe PQconsumeInput(handle) == 1 else { throw lost }
    }
  }

  private func next() throws(PostgresError) -> PostgresRows? {
    while unsafe PQisBusy(handle) == 1 {
      try unsafe PostgresConnection.wait(for: handle, toWrite: false, until: deadline)
      guard unsafe PQconsumeInput(handle) == 1 else { throw lost }
    }
    guard let result = unsafe PQgetResult(handle) else { return nil }
    return unsafe PostgresRows(owning: result)
  }

  private var lost: PostgresError {
    unsafe PostgresError(.disconnected, libpq: String(cString: PQerrorMessage(handle)))
  }

  /// Runs a body as one transaction: all of it is kept, or, when it throws, nothing. It runs anew, some
  /// times, where it met with another one.
  package func transaction<Result>(
    _ body: (borrowing PostgresConnection) throws -> Result
  ) throws -> Result {
    var tries = 0
    while true {
      do {
        try execute("BEGIN")
        let result = try body(self)
        try execute("COMMIT")
        return result
      } catch {
        // Where the connection is gone, the server takes it back by itself.
        try? execute("ROLLBACK")
        tries += 1
        guard (error as? PostgresError)?.isTransient == true, tries < 8 else { throw error }
        retries.count += 1
        PostgresConnection.pause(before: tries)
      }
    }
  }

  /// Two that met would meet again, if both waited the same time.
  private static func pause(before turn: Int) {
    var none: [Readiness] = []
    Readiness.wait(for: &none, atMost: .milliseconds(Int.random(in: 5...20) << min(turn, 6)))
  }
}

/// The hosts of a connection string, to be tried one after the other: libpq by itself would wait for one
/// that is gone as long as the system does.
private struct PostgresHosts {
  private let settings: String
  private var hosts: [String] = []
  private var addresses: [String] = []
  private var ports: [String] = []
  private var hasTarget = false

  init(_ settings: String) throws(PostgresError) {
    self.settings = settings
    var message: UnsafeMutablePointer<CChar>?
    let options = unsafe PQconninfoParse(settings, &message)
    defer {
      unsafe PQconninfoFree(options)
      unsafe PQfreemem(message)
    }
    guard var option = unsafe options else {
      let text = unsafe message.map { unsafe String(cString: $0) } ?? "no memory"
      throw PostgresError(.refused, state: PostgresError.unreadable, libpq: "SYNC: \(text)")
    }
    while let keyword = unsafe option.pointee.keyword {
      if let value = unsafe option.pointee.val {
        let values = unsafe String(cString: value)
          .split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        switch unsafe String(cString: keyword) {
        case "host": hosts = values
        case "hostaddr": addresses = values
        case "port": ports = values
        case "target_session_attrs": hasTarget = true
        default: break
        }
      }
      unsafe option += 1
    }
  }

  var count: Int { max(1, hosts.count, addresses.count) }

  /// What to hand to libpq for one of them: what stands later wins.
  func parameters(of index: Int) -> [(name: String, value: String)] {
    var parameters = [("dbname", settings), ("fallback_application_name", "quota-sync")]
    guard count > 1 else { return parameters }
    if index < hosts.count { parameters.append(("host", hosts[index])) }
    if index < addresses.count { parameters.append(("hostaddr", addresses[index])) }
    if ports.count > 1, index < ports.count { parameters.append(("port", ports[index])) }
    // One of several may be a copy that takes no changes.
    if !hasTarget { parameters.append(("target_session_attrs", "read-write")) }
    return parameters
  }
}

/// Hands texts to a body as an array of C strings that ends in a null pointer.
@unsafe private func withCStrings<Result>(
  _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
  unsafe withCStrings(texts.map { Array($0.utf8) }, body)
}

/// The same of bytes.
@unsafe private func withCStrings<Result>(
  _ texts: [[UInt8]], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result
) -> Result {
  var all: [CChar] = []
  var starts: [Int] = []
  for text in texts {
    starts.append(all.count)
    all += text.map { CChar(bitPattern: $0) }
    all.append(0)
  }
  return unsafe all.withUnsafeBufferPointer { buffer in
    var pointers = unsafe starts.map { start in unsafe buffer.baseAddress.map { unsafe $0 + start }
    }
    unsafe pointers.append(nil)
    return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
  }
}
