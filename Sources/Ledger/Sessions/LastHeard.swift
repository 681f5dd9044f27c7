import Glibc
import Quota
import SQLite
import System

/// When the last sweep ended, and when each server last gave a whole listing, in seconds since 1970; with
/// `FENCE` also the networks behind the clients in it.
///
/// It is in the file `heard`, which a sweep overwrites and does not wait for: so one that finds nothing
/// changed writes nothing to the database. Where a power loss left none, the times hold that the
/// database got with the last change, or once a day.
package struct LastHeard {
  package internal(set) var sweep: Int64?
  /// The first of the sweeps until then that had `FENCE`; nil where the last one did not.
  package internal(set) var fencedSince: Int64?
  /// Whether the last one found that quota-fence does not come after sweeps any more.
  package internal(set) var isFenceDown = false
  /// By the servers' names.
  var servers: [String: Int64] = [:]
  /// Networks behind clients (`iroute`) by the servers' names.
  package internal(set) var networks: [String: Networks] = [:]

  /// Networks by an address that the client has in the tunnel.
  package typealias Networks = [InternetAddress: [InternetNetwork]]

  private static let name: StaticString = "heard"
  private static let largest = 16 << 20

  /// Nothing.
  init() {}

  /// Reads the file. What cannot be read, or is not whole, says nothing.
  package init(in directory: borrowing Directory) {
    // Another program may be writing it.
    for _ in 0..<3 {
      guard let file = try? directory.openFile(LastHeard.name, for: .read),
        let bytes = try? file.descriptor.readToEnd(of: file.path, limit: LastHeard.largest)
      else { return }
      if let heard = LastHeard(bytes) {
        self = heard
        return
      }
    }
  }

  private init?(_ bytes: [UInt8]) {
    let lines = String(decoding: bytes, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    // What stands behind an empty line is of an earlier sweep.
    guard let end = lines.firstIndex(of: ""), end >= 2 else { return nil }
    let text = lines[..<(end - 1)].joined(separator: "\n")
    guard lines[end - 1] == LastHeard.sum(text) else { return nil }
    let words = lines[0].split(separator: " ")
    let times = words.map { Int64($0) }
    sweep = times.first ?? nil
    fencedSince = times.dropFirst().first ?? nil
    isFenceDown = words.last == "down"
    for line in lines[1..<(end - 1)] {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let server = String(parts[1])
      if let time = Int64(parts[0]) {
        servers[server] = time
      } else if let (client, network) = LastHeard.network(parts[0]) {
        networks[server, default: [:]][client, default: []].append(network)
      }
    }
  }

  /// `10.8.0.2>192.168.5.0/24`
  private static func network(
    _ text: Substring
  ) -> (client: InternetAddress, network: InternetNetwork)? {
    let parts = text.split(separator: ">").compactMap { InternetNetwork($0) }
    guard parts.count == 2, parts[0].isHost else { return nil }
    return (parts[0].address, parts[1])
  }

  private static func sum(_ text: String) -> String {
    String(checksum(Array(text.utf8).span), radix: 16)
  }

  /// Removes the file beside a database that is another one now: what it says was not counted there.
  static func forget(beside database: String) throws(SystemError) {
    try System.remove("\(directory(of: database))/\(name)")
  }

  /// The servers that gave a whole listing after a sweep had ended.
  package func servers(since sweep: Int64) -> [String] {
    servers.filter { $0.value > sweep }.map(\.key)
  }

  /// Writes the file.
  func write(in directory: borrowing Directory) throws(SystemError) {
    var lines = [sweep.map { "\($0)" } ?? "-"]
    if let fencedSince { lines[0] += " \(fencedSince)\(isFenceDown ? " down" : "")" }
    for (server, time) in servers.sorted(by: { $0.key < $1.key }) where !server.contains("\n") {
      lines.append("\(time) \(server)")
      for (client, behind) in networks[server] ?? [:] {
        lines += behind.map { "\(client.text)>\($0) \(server)" }
      }
    }
    let text = lines.joined(separator: "\n")
    let bytes = Array("\(text)\n\(LastHeard.sum(text))\n\n".utf8)
    let file = try LastHeard.opened(in: directory)
    try file.write(bytes.span, to: directory.path(of: LastHeard.name))
  }

  private static func opened(in directory: borrowing Directory) throws(SystemError) -> Descriptor {
    do throws(SystemError) { return try directory.create(name, mode: 0o600) } catch {
      if error.code != EEXIST { throw error }
    }
    return try directory.open(name, for: .overwrite)
  }
}

extension Ledger {
  /// When the last sweep ended, in seconds since 1970; nil where none ever did.
  package func lastSweep() throws(SQLiteError) -> Int64? {
    if let heard = lastHeard().sweep { return heard }
    return try meta("swept_at").flatMap { Int64($0) }
  }

  /// When each server last gave a whole listing, by its name, in seconds since 1970.
  package func lastListings() throws(SQLiteError) -> [String: Int64] {
    var listings: [String: Int64] = [:]
    try database.query("SELECT name, listed_at FROM servers WHERE listed_at IS NOT NULL") {
      listings[$0.text(0)] = $0.integer(1)
    }
    // A sweep that could not publish leaves an older file.
    return listings.merging(lastHeard().servers, uniquingKeysWith: max)
  }

  private func lastHeard() -> LastHeard {
    if let heard { return heard }
    var read = LastHeard()
    if let directory = try? stateDirectory() { read = LastHeard(in: directory) }
    heard = read
    return read
  }

  /// Notes which servers gave a whole listing, once all else of their reports is written.
  ///
  /// - Parameter isWritten: whether anything was written to the database: then it gets the times too.
  func noteListings(_ reports: [ServerReport], isWritten: Bool) throws(SQLiteError) {
    var heard = lastHeard()
    for report in reports where report.isComplete {
      heard.servers[report.server] = report.at
      if isWritten {
        try database.run(
          "UPDATE servers SET listed_at = ?2 WHERE id = ?1", try serverID(report.server), report.at)
      }
    }
    self.heard = heard
  }

  /// Notes that a sweep has ended.
  ///
  /// - Parameters:
  ///   - configured: the names of all servers that there are, so that others are forgotten; nil where
  ///     they are not known.
  ///   - networks: networks behind the clients of servers that gave a whole listing.
  package func noteSweep(
    at time: Int64, configured: Set<String>? = nil, networks: [String: LastHeard.Networks] = [:]
  ) throws(LedgerError) {
    var heard = lastHeard()
    heard.sweep = time
    heard.fencedSince = rules.fence ? heard.fencedSince ?? time : nil
    heard.isFenceDown = rules.isFenceDown
    heard.networks = rules.fence ? heard.networks.merging(networks) { $1 } : [:]
    if let configured { heard.servers = heard.servers.filter { configured.contains($0.key) } }
    self.heard = heard
    let directory = try stateDirectory()
    do throws(SystemError) { try heard.write(in: directory) } catch { throw .file(error) }
  }

  /// Does what is due once a day, unless it was done today: periods begin and end at midnight.
  package func doDailyWork(at time: Int64) throws(SQLiteError) {
    let done = try meta("swept_at").flatMap { Int64($0) }
    if let done, Day(of: done, in: zone) == Day(of: time, in: zone) { return }
    try periods.rollOver(at: time)
    try notices.noteExpiries(at: time)
    try setMeta("swept_at", "\(time)")
  }
}
