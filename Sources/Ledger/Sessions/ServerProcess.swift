import SQLite

/// A process of a server: within it, sessions are told apart by connected-since and addresses.
struct ServerProcess: Equatable {
  let id: Int64
  /// The server's name as the hooks have it.
  let server: String
  /// 0 where a hook could not tell.
  let boot: Int64
  let pid: Int64
  /// `daemon_start_time`, 0 where it is not known.
  let started: Int64
  /// The server whose listings show its sessions, once there was one; it may have another name.
  var listedAs: String?

  func isSame(boot: Int64, pid: Int64) -> Bool {
    self.pid == pid && (self.boot == boot || self.boot == 0 || boot == 0)
  }

  /// Whether a listing of this server speaks of it, as far as names tell.
  func isOf(_ server: String) -> Bool { (listedAs ?? self.server) == server }
}

/// The processes that sessions are known of. There are few.
struct ServerProcesses: ~Copyable {
  private let ledger: Ledger
  private(set) var all: [ServerProcess]
  /// When each server had last given a whole listing when the transaction began.
  private let lastListings: [String: Int64]
  /// What was asked for last: a listing's sessions are of one process as a rule.
  private var lastAsked: (process: Int64, listedAt: Int64)?

  init(_ ledger: Ledger) throws(SQLiteError) {
    let lastListings = try ledger.lastListings()
    let all = try ledger.database.query(
      """
      SELECT processes.id, servers.name, processes.boot, processes.pid, started, listed.name
      FROM processes JOIN servers ON servers.id = server_id
        LEFT JOIN servers AS listed ON listed.id = listed_as
      ORDER BY processes.id
      """
    ) { row in
      ServerProcess(
        id: row.integer(0), server: row.text(1), boot: row.integer(2), pid: row.integer(3),
        started: row.integer(4), listedAs: row.optionalText(5))
    }
    self.ledger = ledger
    self.lastListings = lastListings
    self.all = all
  }

  /// The process of these, which may be new.
  mutating func process(
    _ server: String, boot: Int64, pid: Int64, started: Int64
  ) throws(SQLiteError) -> ServerProcess {
    let known = all.last {
      $0.pid == pid && $0.server == server && $0.boot == boot && $0.started == started
    }
    if let known { return known }
    var insert = try ledger.database.prepare(
      "INSERT INTO processes (server_id, boot, pid, started) VALUES (?1, ?2, ?3, ?4)")
    insert.bind(1, try ledger.serverID(server))
    insert.bind(2, boot)
    insert.bind(3, pid)
    insert.bind(4, started)
    try insert.run()
    let new = ServerProcess(
      id: ledger.database.lastInsertedRow, server: server, boot: boot, pid: pid, started: started)
    all.append(new)
    return new
  }

  /// When the server of a process last gave a whole listing, in seconds since 1970; 0 for never.
  mutating func lastListing(of process: Int64) -> Int64 {
    if let lastAsked, lastAsked.process == process { return lastAsked.listedAt }
    let server = all.first { $0.id == process }.map { $0.listedAs ?? $0.server }
    let listedAt = server.flatMap { lastListings[$0] } ?? 0
    lastAsked = (process, listedAt)
    return listedAt
  }

  /// The processes besides this one under which a listing may have opened a session of it.
  func listings(of process: ServerProcess) -> [ServerProcess] {
    let others = all.filter {
      $0.id != process.id && $0.started == 0 && $0.isSame(boot: process.boot, pid: process.pid)
    }
    let named = others.filter { $0.server == process.server || $0.server == process.listedAs }
    return named.isEmpty ? others : named
  }

  /// The processes whose sessions a listing shows: by the server's name, else by the process id, if
  /// no other server answers with that one.
  ///
  /// - Parameter rivals: other servers that answer with the same process id.
  /// - Returns: nil where nothing tells which of them a process with live sessions is.
  mutating func processes(
    in report: ServerReport, rivals: Set<String>
  ) throws(SQLiteError) -> [ServerProcess]? {
    // Taken for another server's before this one ever answered.
    for process in all where process.server == report.server && !process.isOf(report.server) {
      try setListed(process, as: report.server)
    }
    let same = all.filter { $0.isSame(boot: report.boot, pid: report.pid) }
    let named = same.filter { $0.isOf(report.server) }
    let nameless = same.filter { process in
      process.listedAs == nil && process.server != report.server && !rivals.contains(process.server)
    }
    var unclaimed: [ServerProcess] = []
    for process in nameless where try !ledger.hasListings(process.server) {
      unclaimed.append(process)
    }
    if unclaimed.isEmpty { return named }
    if !rivals.isEmpty { return try ledger.haveOpenSessions(unclaimed) ? nil : named }
    for process in unclaimed { try setListed(process, as: report.server) }
    return named + unclaimed
  }

  private mutating func setListed(
    _ process: ServerProcess, as server: String
  ) throws(SQLiteError) {
    var update = try ledger.database.prepare("UPDATE processes SET listed_as = ?2 WHERE id = ?1")
    update.bind(1, process.id)
    update.bind(2, try ledger.serverID(server))
    try update.run()
    if let index = all.firstIndex(of: process) { all[index].listedAs = server }
    lastAsked = nil
  }
}

extension Ledger {
  /// The number of a server by its name, which may be new.
  func serverID(_ name: String) throws(SQLiteError) -> Int64 {
    var find = try database.prepare("SELECT id FROM servers WHERE name = ?1")
    find.bind(1, name)
    if try find.step() { return find.integer(0) }
    var insert = try database.prepare("INSERT INTO servers (name) VALUES (?1)")
    insert.bind(1, name)
    try insert.run()
    return database.lastInsertedRow
  }

  /// Notes which process a server answered with.
  func noteProcess(of report: ServerReport) throws(SQLiteError) {
    try database.run(
      """
      UPDATE servers SET boot = ?2, pid = ?3
      WHERE id = ?1 AND (boot IS NOT ?2 OR pid IS NOT ?3)
      """, try serverID(report.server), report.boot, report.pid)
  }

  /// The servers besides one that answered last with the same process id.
  func rivals(of report: ServerReport) throws(SQLiteError) -> Set<String> {
    var rows = try database.prepare(
      "SELECT name FROM servers WHERE boot = ?1 AND pid = ?2 AND name <> ?3")
    rows.bind(1, report.boot)
    rows.bind(2, report.pid)
    rows.bind(3, report.server)
    var names: Set<String> = []
    while try rows.step() { names.insert(rows.text(0)) }
    return names
  }

  /// Whether there was ever an answer of a server with this name.
  fileprivate func hasListings(_ name: String) throws(SQLiteError) -> Bool {
    var find = try database.prepare("SELECT 1 FROM servers WHERE name = ?1 AND pid IS NOT NULL")
    find.bind(1, name)
    return try find.step()
  }

  fileprivate func haveOpenSessions(_ processes: [ServerProcess]) throws(SQLiteError) -> Bool {
    var find = try database.prepare(
      "SELECT 1 FROM sessions WHERE process_id = ?1 AND ended_at IS NULL AND reason IS NULL")
    for process in processes {
      find.bind(1, process.id)
      if try find.step() { return true }
    }
    return false
  }
}
