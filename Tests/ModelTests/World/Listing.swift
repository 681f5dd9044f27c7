import TestSupport

/// The answer to `status`, as OpenVPN writes it.
struct Listing {
  let text: String
  let server: Server
  /// The sessions that can be read in it.
  let shown: [Shown]
  /// When it was made, by the wall clock.
  let at: Int64
  let isWhole: Bool
  /// Whether it is the first of its connection: those that come later only tell whom to disconnect.
  let isJudged: Bool
  /// Whether counters read 0, as under data-channel offload when its statistics fail.
  let dips: Bool

  /// A session as it is listed.
  struct Shown {
    let session: Session
    let counters: Usage
    let name: String?
  }

  /// The answer to `status 3`.
  ///
  /// - Parameter rows: how many client rows there are before one is cut, and all that follows with
  ///   it; nil for a whole listing.
  init(of server: Server, at clock: Int64, rows: Int?, dips: Bool, isJudged: Bool) {
    var lines = [
      "TITLE\tOpenVPN 2.6.14 x86_64-pc-linux-gnu", "TIME\t2026-11-24 00:00:00\t\(clock)",
      "HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tVirtual IPv6 Address\t"
        + "Bytes Received\tBytes Sent\tConnected Since\tConnected Since (time_t)\tUsername\t"
        + "Client ID\tPeer ID\tData Channel Cipher",
    ]
    for row in server.halfOpen {
      lines.append(
        "CLIENT_LIST\t\(row.name ?? "UNDEF")\t198.51.100.9:999\t\t\t\(row.received)\t300\t"
          + "2026-11-24 00:00:00\t\(clock)\tUNDEF\t\(server.live.count + 1000)\t0\tBF-CBC")
    }
    shown = server.live.prefix(rows ?? .max).map { Shown($0, dips: dips) }
    for row in shown {
      let session = row.session
      let ipv6 = server.kind.pool == .both ? session.tunnel.listed.asIPv6 : ""
      lines.append(
        "CLIENT_LIST\t\(row.name ?? "UNDEF")\t\(session.place.listed.text(by: server.kind.release))"
          + "\t\(session.tunnel.listed)\t\(ipv6)\t\(row.counters.received)\t\(row.counters.sent)"
          + "\t2026-11-24 00:00:00\t\(session.since)\tUNDEF\t\(session.clientID)\t0\tAES-256-GCM")
    }
    if rows == nil, server.kind.pool == .none {
      lines.append(
        "HEADER\tROUTING_TABLE\tVirtual Address\tCommon Name\tReal Address\tLast Ref\tLast Ref (time_t)"
      )
      for session in shown.map(\.session) {
        lines.append(
          "ROUTING_TABLE\t52:54:00:00:00:\(10 + session.clientID % 90)@0\t\(session.shownName ?? "UNDEF")"
            + "\t\(session.place.listed.text(by: server.kind.release))\t2026-11-24 00:00:00\t\(clock)"
        )
      }
    }
    if rows == nil { lines += ["GLOBAL_STATS\tMax bcast/mcast queue length\t0", "END"] }
    text = lines.map { $0 + "\r\n" }.joined()
    self.server = server
    at = clock
    isWhole = rows == nil
    self.isJudged = isJudged
    self.dips = dips
  }

  /// The answer to `status 1`.
  init(plain server: Server, at clock: Int64, isJudged: Bool) {
    var lines = [
      "OpenVPN CLIENT LIST", "Updated,2026-11-24 00:00:00",
      "Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since",
    ]
    shown = server.live.map { Shown($0, dips: false) }
    for row in shown {
      lines.append(
        "\(row.name ?? "UNDEF"),\(row.session.place.listed.text(by: server.kind.release)),"
          + "\(row.counters.received),\(row.counters.sent),2026-11-24 00:00:00")
    }
    lines += ["ROUTING TABLE", "Virtual Address,Common Name,Real Address,Last Ref"]
    lines += ["GLOBAL STATS", "Max bcast/mcast queue length,0", "END"]
    text = lines.map { $0 + "\r\n" }.joined()
    self.server = server
    at = clock
    isWhole = false
    self.isJudged = isJudged
    dips = false
  }
}

extension Listing.Shown {
  init(_ session: Session, dips: Bool) {
    self.init(
      session: session, counters: dips ? Usage() : session.moved, name: session.shownName)
  }
}

extension String {
  /// The IPv6 address that goes with an IPv4 address of the pool.
  var asIPv6: String {
    isEmpty ? "" : "fd00::" + (split(separator: ".").last.map(String.init) ?? "")
  }
}
