import Testing

@testable import OpenVPN

private let sessionNames = [
  "CLIENT_LIST,mallory", "END", "SUCCESS: pid=1", "bob, \"the\" Builder", "alice", "a:b", "Jürgen",
  "carol", "back\\slash",
]

private func listing(_ lines: String..., separator: String = "\r\n") -> StatusListing {
  StatusListing(parsing: Array((lines.joined(separator: separator) + separator).utf8))
}

private let header26 =
  "HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tVirtual IPv6 Address\t"
  + "Bytes Received\tBytes Sent\tConnected Since\tConnected Since (time_t)\tUsername\tClient ID\t"
  + "Peer ID\tData Channel Cipher"

private func row26(
  name: String = "alice", address: String = "10.99.0.2", received: String = "1",
  sent: String = "2", since: String = "1795466205", id: String = "0"
) -> String {
  "CLIENT_LIST\t\(name)\t10.77.0.2:35040\t\(address)\t\t\(received)\t\(sent)\t"
    + "2026-11-23 20:36:45\t\(since)\tUNDEF\t\(id)\t0\tAES-256-GCM"
}

private func listing26(_ rows: String...) -> StatusListing {
  listing((["TITLE\tOpenVPN 2.6.14", header26] + rows + ["END"]).joined(separator: "\r\n"))
}

@Suite struct `A status listing` {
  @Test(arguments: ["status-2.txt", "status-3.txt"])
  func `of a real server gives every session, whatever its name`(file: String) throws {
    let listing = try Capture.listing(file)
    #expect(listing.isComplete)
    #expect(listing.malformedRows == 0)
    #expect(listing.pid == 5325)
    #expect(listing.title.starts(with: "OpenVPN 2.6.14 x86_64-pc-linux-gnu".utf8))
    #expect(!listing.dcoEnabled)
    let sessions = listing.rows.filter(\.isSession)
    #expect(Set(sessions.map { text($0.commonName) }) == Set(sessionNames))
    #expect(listing.rows.count == sessionNames.count + 2)
  }

  @Test func `in format 3 gives every field of a row`() throws {
    let listing = try Capture.listing("status-3.txt")
    let carol = try #require(listing.rows.first { text($0.commonName) == "carol" })
    #expect(text(carol.realAddress) == "10.77.0.2:38103")
    #expect(text(carol.virtualAddress) == "10.99.0.4")
    #expect(text(carol.virtualIPv6Address) == "fd99::1002")
    #expect(text(carol.username) == "carol.login, \"x\"")
    #expect(carol.bytesReceived == 1859)
    #expect(carol.bytesSent == 2041)
    #expect(carol.connectedSince == 1_795_474_098)
    #expect(carol.clientID == 5)
    #expect(text(carol.address) == "10.99.0.4")
    #expect(listing.serverTime == 1_795_474_110)
  }

  @Test func `in format 2 finds the end of a login with a comma`() throws {
    let listing = try Capture.listing("status-2.txt")
    let carol = try #require(listing.rows.first { text($0.commonName) == "carol" })
    #expect(text(carol.username) == "carol.login, \"x\"")
    #expect(carol.clientID == 5)
    let bob = try #require(listing.rows.first { text($0.commonName).hasPrefix("bob") })
    #expect(text(bob.commonName) == "bob, \"the\" Builder")
    #expect(text(bob.virtualAddress) == "10.99.0.9")
  }

  @Test func `in format 1 gives names and counters and no session`() throws {
    let listing = try Capture.listing("status-1.txt")
    #expect(listing.isComplete)
    let names = listing.rows.map { text($0.commonName) }
    #expect(Set(names) == Set(sessionNames + ["UNDEF", "deferred"]))
    let bob = try #require(listing.rows.first { text($0.commonName).hasPrefix("bob") })
    #expect(bob.bytesReceived == 1809)
    #expect(bob.bytesSent == 1971)
    #expect(text(bob.realAddress) == "10.77.0.2:49426")
    #expect(bob.clientID == nil)
    #expect(bob.connectedSince == nil)
    #expect(!listing.rows.contains { $0.isSession })
  }

  @Test func `takes neither a handshake nor a waiting client for a session`() throws {
    let listing = try Capture.listing("status-3.txt")
    let others = listing.rows.filter { !$0.isSession }.map { text($0.commonName) }
    #expect(Set(others) == ["UNDEF", "deferred"])
    #expect(listing.rows.filter { !$0.isSession }.allSatisfy { $0.address.isEmpty })
  }

  @Test(arguments: ["tap-2.txt", "tap-3.txt"])
  func `of a tap server without a pool takes routed clients by their names`(file: String) throws {
    let listing = try Capture.listing(file)
    #expect(listing.isComplete)
    #expect(listing.rows.count == 3)
    let sessions = listing.rows.filter(\.isSession)
    #expect(Set(sessions.map { text($0.commonName) }) == ["alice", "bob, \"the\" Builder"])
    #expect(sessions.allSatisfy { $0.address.isEmpty })
  }

  @Test func `matches a route by name and real address both`() {
    let listing = listing(
      "TITLE\tOpenVPN 2.6.14", header26, row26(name: "alice", address: ""),
      row26(name: "UNDEF", address: ""),
      "HEADER\tROUTING_TABLE\tVirtual Address\tCommon Name\tReal Address\t"
        + "Last Ref\tLast Ref (time_t)",
      "ROUTING_TABLE\taa:bb:cc:dd:ee:ff@0\talice\t10.77.0.2:1\tx\t1",
      "ROUTING_TABLE\taa:bb:cc:dd:ee:fe@0\tbob\t10.77.0.2:35040\tx\t1",
      "ROUTING_TABLE\taa:bb:cc:dd:ee:fd@0\tUNDEF\t10.77.0.2:35040\tx\t1", "END")
    #expect(listing.rows.count == 2)
    #expect(!listing.rows.contains { $0.isSession })
  }

  @Test func `of a live session that a renegotiation renamed to UNDEF keeps it a session`() throws {
    let row = try #require(listing26(row26(name: "UNDEF")).rows.first)
    #expect(row.isSession)
    #expect(text(row.address) == "10.99.0.2")
  }

  @Test func `of a dual-stack server has IPv6 clients without a port`() throws {
    let listing = try Capture.listing("dual-stack-3.txt")
    let alice = try #require(listing.rows.first { text($0.commonName) == "alice" })
    #expect(text(alice.realAddress) == "fd77::2")
    #expect(alice.killAddress == nil)
    let juergen = try #require(listing.rows.first { text($0.commonName) == "Jürgen" })
    #expect(juergen.killAddress.map { text($0.text) } == "10.77.0.2:44667")
  }

  @Test func `that lost its tail to an overlong row keeps the rows before it`() throws {
    let listing = try Capture.listing("truncated.txt")
    #expect(!listing.isComplete)
    #expect(listing.isTruncated)
    #expect(listing.pid == 5325)
    #expect(listing.rows.count == 2)
    #expect(listing.rows.last.map { text($0.commonName) } == "END")
  }
}

@Suite struct `A status listing of another version` {
  @Test func `2.3 has no client id and ctime dates`() throws {
    let listing = listing(
      "TITLE\tOpenVPN 2.3.18 x86_64", "TIME\tThu Jun 18 04:23:03 2015\t1434630183",
      "HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tBytes Received\t"
        + "Bytes Sent\tConnected Since\tConnected Since (time_t)\tUsername",
      "CLIENT_LIST\tdave\t10.1.2.3:1194\t10.8.0.6\t7\t8\tThu Jun 18 04:23:03 2015\t1434630183\tdd",
      "END")
    #expect(listing.isComplete)
    let row = try #require(listing.rows.first)
    #expect(row.clientID == nil)
    #expect(row.isSession)
    #expect(row.bytesReceived == 7)
    #expect(row.bytesSent == 8)
    #expect(text(row.username) == "dd")
    #expect(row.virtualIPv6Address.isEmpty)
  }

  @Test func `2.3 in format 2 with commas in both names is read where it can be`() throws {
    let listing = listing(
      "TITLE,OpenVPN 2.3.18 x86_64", "TIME,Thu Jun 18 04:23:03 2015,1434630183",
      "HEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Bytes Received,"
        + "Bytes Sent,Connected Since,Connected Since (time_t),Username",
      "CLIENT_LIST,a,b,10.1.2.3:1194,10.8.0.6,7,8,Thu Jun 18 04:23:03 2015,1434630183,c,d", "END")
    let row = try #require(listing.rows.first)
    #expect(text(row.commonName) == "a,b")
    #expect(text(row.username) == "c,d")
    #expect(row.connectedSince == 1_434_630_183)
  }

  @Test func `2.4 and 2.5 have the columns of their time`() throws {
    let header = header26.replacing("\tData Channel Cipher", with: "")
    let row = row26().replacing("\tAES-256-GCM", with: "")
    let listing = listing("TITLE\tOpenVPN 2.4.12", header, row, "END")
    #expect(listing.isComplete)
    #expect(listing.rows.first?.clientID == 0)
  }

  @Test func `a build without client ids leaves the column empty`() throws {
    let row = try #require(listing26(row26(id: "")).rows.first)
    #expect(row.clientID == nil)
    #expect(row.isSession)
  }

  @Test(
    arguments: [
      ("udp4:10.77.0.2:50245", "udp:10.77.0.2:50245"),
      ("tcp4-server:10.77.0.2:54318", "tcp:10.77.0.2:54318"), ("udp6:[fd77::5]:55286", nil),
      ("udp6:10.77.0.2:39808", nil),
    ] as [(String, String?)])
  func `2.7 prefixes real addresses, which kill takes in another form`(
    address: String, kill: String?
  ) throws {
    let row = row26().replacing("10.77.0.2:35040", with: address)
    let read = try #require(listing26(row).rows.first)
    #expect(text(read.realAddress) == address)
    #expect(read.killAddress.map { text($0.text) } == kill)
    #expect(read.isSession)
  }

  @Test func `2.7 with a kernel that does not answer prints nothing at all`() {
    let listing = StatusListing(parsing: Array("SUCCESS: pid=12\r\n".utf8))
    #expect(listing.pid == 12)
    #expect(!listing.isComplete)
    #expect(listing.rows.isEmpty)
  }

  @Test func `columns are found by their names, not their places`() throws {
    let listing = listing(
      "TITLE\tOpenVPN 9",
      "HEADER\tCLIENT_LIST\tNew\tBytes Sent\tCommon Name\tReal Address\t"
        + "Connected Since (time_t)\tVirtual Address\tBytes Received\tClient ID",
      "CLIENT_LIST\tx\t5\tzoe\tr\t9\t10.0.0.1\t6\t7", "END")
    let row = try #require(listing.rows.first)
    #expect(text(row.commonName) == "zoe")
    #expect(row.bytesSent == 5)
    #expect(row.bytesReceived == 6)
    #expect(row.clientID == 7)
    #expect(row.connectedSince == 9)
  }

  @Test(arguments: [
    "10.0.0.1/24", "x", "10.0.0.1 ", "fe80::1%eth0",
    "1:2:3:4:5:6:7:8" + String(repeating: "0", count: 32),
  ])
  func `a row with what is no address is no session`(address: String) throws {
    let row = try #require(listing26(row26(name: "alice", address: address)).rows.first)
    #expect(text(row.address) == address)
    #expect(!row.isSession)
  }

  @Test func `a row without a connection time is no session`() throws {
    let listing = listing(
      "TITLE\tx",
      "HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tBytes Received\tBytes Sent",
      "CLIENT_LIST\tann\tr\t10.0.0.1\t1\t2", "END")
    let row = try #require(listing.rows.first)
    #expect(text(row.address) == "10.0.0.1")
    #expect(!row.isSession)
  }

  @Test func `data-channel offload is told`() {
    #expect(listing("TITLE\tx", "GLOBAL_STATS\tdco_enabled\t1", "END").dcoEnabled)
  }
}

@Suite struct `A status listing with bad numbers` {
  @Test(arguments: [
    ("9223372036854775807", Int64.max), ("9223372036854775808", Int64.max),
    ("18446744073709551615", Int64.max), ("99999999999999999999999", Int64.max), ("0", 0),
    ("007", 7),
  ])
  func `saturates a counter`(digits: String, value: Int64) throws {
    let row = try #require(listing26(row26(received: digits)).rows.first)
    #expect(row.bytesReceived == value)
  }

  @Test(arguments: ["", "-1", "+1", "1.5", "0x10", "1 ", "99999999999999999999999x", "١"])
  func `leaves out and counts a row whose counter is none`(digits: String) {
    let listing = listing26(row26(name: "good"), row26(name: "bad", sent: digits))
    #expect(listing.rows.map { text($0.commonName) } == ["good"])
    #expect(listing.malformedRows == 1)
    #expect(!listing.isComplete)
    #expect(!listing.isTruncated)
  }

  @Test(arguments: ["", "-1", "x", "18446744073709551616"])
  func `leaves out a row whose time or id is none`(digits: String) {
    #expect(listing26(row26(since: digits)).malformedRows == 1)
    if !digits.isEmpty { #expect(listing26(row26(id: digits)).malformedRows == 1) }
  }

  @Test(arguments: ["CLIENT_LIST\tshort", "CLIENT_LIST\t" + String(repeating: "x\t", count: 40)])
  func `leaves out a row with too few or too many fields`(row: String) {
    let listing = listing26(row, row26())
    #expect(listing.rows.count == 1)
    #expect(listing.malformedRows == 1)
  }

  @Test func `without a header leaves out all rows`() {
    let listing = listing("TITLE\tx", row26(), "END")
    #expect(listing.rows.isEmpty)
    #expect(listing.malformedRows == 1)
    #expect(!listing.isComplete)
  }

  @Test func `in format 2 leaves out a row that a name makes ambiguous`() {
    let header = header26.replacing("\t", with: ",")
    let honest = row26().replacing("\t", with: ",")
    let forged = row26(name: "x,1.2.3.4:5,10.0.0.9,,1,2,d,3").replacing("\t", with: ",")
    let listing = listing("TITLE,x", header, forged, honest, "END")
    #expect(listing.rows.count == 1)
    #expect(listing.malformedRows == 1)
    #expect(listing.rows.first.map { text($0.commonName) } == "alice")
  }

  @Test func `of names that are no UTF-8 keeps them apart`() {
    var bytes = Array("TITLE\tx\n\(header26)\n".utf8)
    for byte: UInt8 in [0xFE, 0xFF] {
      bytes += Array(row26(name: "#").utf8).map { $0 == UInt8(ascii: "#") ? byte : $0 } + [10]
    }
    let listing = StatusListing(parsing: bytes + Array("END\n".utf8))
    #expect(listing.rows.map { Array($0.commonName) } == [[0xFE], [0xFF]])
  }

  @Test func `that is nothing of the kind has neither rows nor an end`() {
    for text in ["", "END\n", "\n\n\n", "HTTP/1.1 200 OK\r\n\r\n", "\0\0\0", "TITLE", "\tTITLE\t"] {
      let listing = StatusListing(parsing: Array(text.utf8))
      #expect(listing.rows.isEmpty && !listing.isComplete, "\(text)")
    }
  }
}
