import TestSupport

/// One OpenVPN server.
final class Server {
  let name: String
  /// Whether one name may be in several times.
  let allowsDuplicates: Bool
  /// Whether the disconnect hook runs right after a refusal, as since 2.6.
  let tellsOfRefusals: Bool
  var pid: Int64
  var isUp = true
  /// Whether it stands still for a hook, and answers nobody.
  var isBusy = false
  var live: [Session] = []
  /// Rows that are no sessions: handshakes, and those turned away.
  var halfOpen: [(name: String?, received: Int64)] = []
  private var clientIDs = 0

  init(name: String, pid: Int64, allowsDuplicates: Bool, tellsOfRefusals: Bool) {
    self.name = name
    self.pid = pid
    self.allowsDuplicates = allowsDuplicates
    self.tellsOfRefusals = tellsOfRefusals
  }

  /// Whether it answers its clients and whoever asks.
  var isFree: Bool { isUp && !isBusy }

  func nextClientID() -> Int {
    defer { clientIDs += 1 }
    return clientIDs
  }

  /// Client ids start over at 0.
  func forgetClients() {
    clientIDs = 0
    halfOpen = []
  }

  /// The lowest address of the pool that nobody has.
  func freeAddress() -> String {
    let taken = Set(live.map(\.address))
    var host = 2
    while taken.contains("10.8.0.\(host)") { host += 1 }
    return "10.8.0.\(host)"
  }
}

/// The answer to `status 3`, as OpenVPN 2.6 writes it.
struct Listing {
  let text: String
  /// The sessions that can be read in it.
  let shown: [Shown]
  /// When it was made, by the wall clock.
  let at: Int64
  let isWhole: Bool

  /// A session as it is listed.
  struct Shown {
    let session: Session
    let counters: Usage
    let name: String?
    let address: String
  }

  /// - Parameters:
  ///   - rows: how many client rows there are before the server breaks off; nil for all.
  ///   - dip: whether counters read 0, as under data-channel offload when its statistics fail.
  init(of server: Server, at clock: Int64, rows: Int?, dip: Bool) {
    var lines = [
      "TITLE\tOpenVPN 2.6.14 x86_64-pc-linux-gnu", "TIME\t2026-11-24 00:00:00\t\(clock)",
      "HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tVirtual IPv6 Address\t"
        + "Bytes Received\tBytes Sent\tConnected Since\tConnected Since (time_t)\tUsername\t"
        + "Client ID\tPeer ID\tData Channel Cipher",
    ]
    var shown: [Shown] = []
    for row in server.halfOpen {
      lines.append(
        "CLIENT_LIST\t\(row.name ?? "UNDEF")\t198.51.100.9:999\t\t\t\(row.received)\t300\t"
          + "2026-11-24 00:00:00\t\(clock)\tUNDEF\t\(server.live.count + 1000)\t0\tBF-CBC")
    }
    for session in server.live.prefix(rows ?? .max) {
      let counters = dip ? Usage() : session.moved
      shown.append(
        Shown(
          session: session, counters: counters, name: session.shownName, address: session.address))
      lines.append(
        "CLIENT_LIST\t\(session.shownName ?? "UNDEF")\t\(session.realAddress)\t"
          + "\(session.address)\t\t\(counters.received)\t\(counters.sent)\t2026-11-24 00:00:00\t"
          + "\(session.since)\tUNDEF\t\(session.clientID)\t0\tAES-256-GCM")
    }
    if rows == nil { lines += ["GLOBAL_STATS\tMax bcast/mcast queue length\t0", "END"] }
    text = lines.map { $0 + "\r\n" }.joined()
    self.shown = dip ? [] : shown
    self.at = clock
    isWhole = rows == nil
  }
}
