import Glibc

/// The answer to `status`, in the three formats (OpenVPN's `multi_print_status`).
struct Listing {
  /// The answer so far, with all its line ends.
  private(set) var text: Text = []
  /// A line OpenVPN cannot format takes all that follows with it, `END` too (`status_printf`).
  private var isBroken = false
  private static let longestLine = 511

  /// - Parameter rowThatBreaks: the row, counted from 0, that is too long for OpenVPN.
  init(
    of sessions: some Collection<Session>, version: Int, options: Options, now: Int64,
    rowThatBreaks: Int?
  ) {
    if version == 1 {
      writePlain(sessions, options, now, rowThatBreaks)
    } else {
      writeColumns(sessions, version == 2 ? "," : "\t", options, now, rowThatBreaks)
    }
    line("END")
  }

  private mutating func writePlain(
    _ sessions: some Collection<Session>, _ options: Options, _ now: Int64, _ rowThatBreaks: Int?
  ) {
    let times = TimeWriter(options.release)
    line("OpenVPN CLIENT LIST")
    line("Updated,\(times.text(now))")
    line("Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since")
    for (index, session) in sessions.enumerated() {
      if index == rowThatBreaks { isBroken = true }
      let real = session.endpoint.listed(by: options.release, dualStack: options.dualStack)
      let rest = ",\(real),\(session.received),\(session.sent),\(times.text(session.since))"
      line(session.listedName + rest)
    }
    if rowThatBreaks == sessions.count { isBroken = true }
    line("ROUTING TABLE")
    line("Virtual Address,Common Name,Real Address,Last Ref")
    for session in sessions where session.stage == .connected {
      let real = session.endpoint.listed(by: options.release, dualStack: options.dualStack)
      for route in session.routes {
        line(Text("\(route),".utf8) + session.listedName + ",\(real),\(times.text(now))")
      }
    }
    line("GLOBAL STATS")
    line("Max bcast/mcast queue length,0")
  }

  private mutating func writeColumns(
    _ sessions: some Collection<Session>, _ comma: String, _ options: Options, _ now: Int64,
    _ rowThatBreaks: Int?
  ) {
    let release = options.release
    let times = TimeWriter(release)
    line("TITLE\(comma)\(release.title)")
    line("TIME\(comma)\(times.text(now))\(comma)\(now)")
    var columns = ["HEADER", "CLIENT_LIST", "Common Name", "Real Address", "Virtual Address"]
    if release.listsIDs { columns.append("Virtual IPv6 Address") }
    columns += [
      "Bytes Received", "Bytes Sent", "Connected Since", "Connected Since (time_t)", "Username",
    ]
    if release.listsIDs { columns += ["Client ID", "Peer ID"] }
    if release.listsCiphers { columns.append("Data Channel Cipher") }
    line(columns.joined(separator: comma))
    for (index, session) in sessions.enumerated() {
      if index == rowThatBreaks { isBroken = true }
      guard !isBroken else { break }
      let start = text.count
      let real = session.endpoint.listed(by: release, dualStack: options.dualStack)
      text += "CLIENT_LIST\(comma)"
      text += session.listedName
      text += "\(comma)\(real)\(comma)\(session.address)\(comma)"
      if release.listsIDs { text += session.address6 + comma }
      text +=
        "\(session.received)\(comma)\(session.sent)\(comma)\(times.text(session.since))\(comma)"
      text += "\(session.since)\(comma)"
      text += session.username ?? Text("UNDEF".utf8)
      if release.listsIDs {
        text += "\(comma)\(session.clientID)\(comma)\(session.clientID % 1024)"
      }
      if release.listsCiphers {
        text += comma + (session.stage == .connected ? "AES-256-GCM" : "BF-CBC")
      }
      endLine(from: start)
    }
    if rowThatBreaks == sessions.count { isBroken = true }
    line(
      [
        "HEADER", "ROUTING_TABLE", "Virtual Address", "Common Name", "Real Address", "Last Ref",
        "Last Ref (time_t)",
      ].joined(separator: comma))
    let seen = "\(comma)\(times.text(now))\(comma)\(now)"
    for session in sessions where session.stage == .connected && !isBroken {
      let real = session.endpoint.listed(by: release, dualStack: options.dualStack)
      for route in session.routes {
        let start = text.count
        text += "ROUTING_TABLE\(comma)\(route)\(comma)"
        text += session.listedName
        text += "\(comma)\(real)\(seen)"
        endLine(from: start)
      }
    }
    line("GLOBAL_STATS\(comma)Max bcast/mcast queue length\(comma)0")
    if release.listsOffload {
      line("GLOBAL_STATS\(comma)dco_enabled\(comma)\(options.offloads ? 1 : 0)")
    }
  }

  private mutating func line(_ whole: String) { line(Text(whole.utf8)) }

  private mutating func line(_ whole: Text) {
    guard !isBroken else { return }
    let start = text.count
    text += whole
    endLine(from: start)
  }

  private mutating func endLine(from start: Int) {
    if text.count - start > Self.longestLine {
      isBroken = true
      text.removeLast(text.count - start)
    } else {
      text += "\r\n"
    }
  }
}

extension Session {
  /// Its entries in the routing table. A session that is in without an address of a pool is one of
  /// a tap server, where the table learns the card's address.
  fileprivate var routes: [String] {
    let learned = [address, address6].filter { !$0.isEmpty }
    return learned.isEmpty
      ? ["02:00:00:00:\(serial / 100 % 90 + 10):\(serial % 90 + 10)@0"] : learned
  }
}

/// Writes local times for people; a listing repeats few of them, so it remembers the last.
final class TimeWriter {
  private let format: String
  private var last: (time: Int64, text: String)?

  init(_ release: Release) {
    format = release.writesISOTimes ? "%Y-%m-%d %H:%M:%S" : "%a %b %e %H:%M:%S %Y"
  }

  func text(_ time: Int64) -> String {
    if let last, last.time == time { return last.text }
    var seconds = time_t(time)
    var parts = unsafe tm()
    unsafe localtime_r(&seconds, &parts)
    var buffer = [CChar](repeating: 0, count: 64)
    let length = unsafe strftime(&buffer, buffer.count, format, &parts)
    let text = String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    last = (time, text)
    return text
  }
}
