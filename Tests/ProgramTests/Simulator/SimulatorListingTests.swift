import TestSupport
import Testing

/// What the simulator lists.
@Suite struct SimulatorListingTests {
  @Test(
    arguments: [
      (
        "2.3",
        """
        Common Name,Real Address,Virtual Address,Bytes Received,Bytes Sent,Connected Since,\
        Connected Since (time_t),Username
        """,
        "alice,192.0.2.9:1194,10.8.0.2,1836,1823,Sat Jun  3 09:22:47 2023,1685784167,UNDEF"
      ),
      (
        "2.4",
        """
        Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,\
        Connected Since,Connected Since (time_t),Username,Client ID,Peer ID
        """,
        "alice,192.0.2.9:1194,10.8.0.2,,1836,1823,Sat Jun  3 09:22:47 2023,1685784167,UNDEF,0,0"
      ),
      (
        "2.5",
        """
        Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,\
        Connected Since,Connected Since (time_t),Username,Client ID,Peer ID,Data Channel Cipher
        """,
        """
        alice,192.0.2.9:1194,10.8.0.2,,1836,1823,2023-06-03 09:22:47,1685784167,UNDEF,0,0,\
        AES-256-GCM
        """
      ),
      (
        "2.6",
        """
        Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,\
        Connected Since,Connected Since (time_t),Username,Client ID,Peer ID,Data Channel Cipher
        """,
        """
        alice,192.0.2.9:1194,10.8.0.2,,1836,1823,2023-06-03 09:22:47,1685784167,UNDEF,0,0,\
        AES-256-GCM
        """
      ),
      (
        "2.7",
        """
        Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,\
        Connected Since,Connected Since (time_t),Username,Client ID,Peer ID,Data Channel Cipher
        """,
        """
        alice,udp4:192.0.2.9:1194,10.8.0.2,,1836,1823,2023-06-03 09:22:47,1685784167,UNDEF,0,0,\
        AES-256-GCM
        """
      ),
    ])
  func `columns and times are those of the release`(
    format: String, header: String, row: String
  ) throws {
    var setup = SimulatedServer.Setup()
    setup.format = format
    let server = try SimulatedServer(setup)
    _ = try server.enter("alice", real: "192.0.2.9:1194", since: 1_685_784_167)
    let client = try ManagementClient(server.management)
    let lines = try client.answer(to: "status 2")
    #expect(lines[2] == "HEADER,CLIENT_LIST," + header)
    // The time for people depends on the machine's zone, whose hours these may not be.
    let fields = lines[3].split(separator: ",", omittingEmptySubsequences: false)
    let expected = "CLIENT_LIST,\(row)".split(separator: ",", omittingEmptySubsequences: false)
    #expect(fields.count == expected.count)
    for (field, wanted) in zip(fields, expected) {
      if wanted.contains("2023") {
        #expect(field.count == wanted.count)
      } else {
        #expect(field == wanted)
      }
    }
    #expect(try client.answer(to: "status 3")[3] == lines[3].replacing(",", with: "\t"))
  }

  @Test(
    arguments: [
      ("2.6", false, "192.0.2.9:1194", "192.0.2.9:1194"),
      ("2.6", false, "[2001:db8::5]:1194", "2001:db8::5"),
      ("2.7", false, "192.0.2.9:1194", "udp4:192.0.2.9:1194"),
      ("2.7", true, "192.0.2.9:1194", "udp6:192.0.2.9:1194"),
      ("2.7", false, "[2001:db8::5]:1194", "udp6:[2001:db8::5]:1194"),
    ])
  func `real addresses are written as the release writes them`(
    format: String, dualStack: Bool, real: String, listed: String
  ) throws {
    var setup = SimulatedServer.Setup()
    setup.format = format
    setup.dualStack = dualStack
    let server = try SimulatedServer(setup)
    _ = try server.enter("alice", real: real)
    let rows = try ManagementClient(server.management).answer(to: "status 3")
    #expect(rows[3].split(separator: "\t")[2] == listed)
  }

  @Test func `a bare status follows the server's status-version`() throws {
    for (version, title) in [(1, "OpenVPN CLIENT LIST"), (2, "TITLE,OpenVPN"), (3, "TITLE\t")] {
      var setup = SimulatedServer.Setup()
      setup.statusVersion = version
      let server = try SimulatedServer(setup)
      let lines = try ManagementClient(server.management).answer(to: "status")
      #expect(lines[0].hasPrefix(title))
    }
  }

  @Test func `format 1 knows neither user names nor client ids`() throws {
    let server = try SimulatedServer()
    let alice = try server.enter("alice", username: "al", real: "192.0.2.9:1194")
    try alice.setCounters(received: 5, sent: 6)
    let lines = try ManagementClient(server.management).answer(to: "status 1")
    #expect(lines[2] == "Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since")
    #expect(lines[3].hasPrefix("alice,192.0.2.9:1194,5,6,"))
    #expect(lines[4] == "ROUTING TABLE")
    #expect(lines[6].hasPrefix("10.8.0.2,alice,192.0.2.9:1194,"))
    #expect(lines[7] == "GLOBAL STATS")
  }

  @Test func `half-open clients are rows without an address`() throws {
    let server = try SimulatedServer()
    _ = try server.handshake(from: "198.51.100.7:4242")
    _ = try server.deferred("carol")
    let rows = try ManagementClient(server.management).answer(to: "status 3")
      .filter { $0.hasPrefix("CLIENT_LIST\t") }
      .map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
      .sorted { $0[10] < $1[10] }
    #expect(rows.map { $0[1] } == ["UNDEF", "carol"])
    #expect(rows.map { $0[3] } == ["", ""])
    #expect(rows.map { $0[12] } == ["BF-CBC", "BF-CBC"])
  }

  @Test func `names are raw but for control characters`() throws {
    let server = try SimulatedServer()
    for name in ["bob, \"the\" Builder", "a:b", "Jürgen", "tab\tand\nline"] {
      _ = try server.enter(name)
    }
    let names = try ManagementClient(server.management).answer(to: "status 3")
      .filter { $0.hasPrefix("CLIENT_LIST\t") }.map { String($0.split(separator: "\t")[1]) }
    #expect(Set(names) == ["bob, \"the\" Builder", "a:b", "Jürgen", "tab_and_line"])
  }

  @Test func `a row of more than 511 bytes takes the rest of the listing with it`() throws {
    let server = try SimulatedServer()
    _ = try server.enter("alice", username: String(repeating: "u", count: 500))
    let client = try ManagementClient(server.management)
    _ = try client.line()
    try client.send("status 3\npid\n")
    let text = try client.text(upTo: "SUCCESS: pid=\(server.processID)\r\n")
    #expect(!text.contains("alice"))
    #expect(!text.contains("END"))
    // Format 1 leaves user names out.
    #expect(try client.answer(to: "status 1")[3].hasPrefix("alice,"))
  }

  @Test func `what a client does shows in its row`() throws {
    let server = try SimulatedServer()
    let alice = try server.enter("alice", address6: "fd00::5")
    try alice.setCounters(received: 1, sent: 2)
    try alice.upload(10)
    try alice.download(20)
    try alice.rename(commonName: "mallory", username: "m a")
    try alice.move(to: "10.8.0.77")
    try alice.float(to: "203.0.113.1:9")
    let client = try ManagementClient(server.management)
    let row = try client.answer(to: "status 3")[3].split(separator: "\t")
    #expect(row[1...6] == ["mallory", "203.0.113.1:9", "10.8.0.77", "fd00::5", "11", "22"])
    #expect(row[9] == "m a")
    try alice.rename(commonName: "UNDEF")
    #expect(try client.answer(to: "status 3")[3].split(separator: "\t")[1] == "UNDEF")
  }

  @Test func `a crowd is listed in one answer`() throws {
    let server = try SimulatedServer()
    try server.populate(5000, prefix: "user", received: 7, sent: 8)
    try server.addTraffic(received: 1, sent: 0, percent: 10)
    let rows = try ManagementClient(server.management).answer(to: "status 3")
      .filter { $0.hasPrefix("CLIENT_LIST\t") }.map { $0.split(separator: "\t") }
    #expect(rows.count == 5000)
    #expect(rows.count { $0[4] == "8" } == 500)
    #expect(Set(rows.map { $0[3] }).count == 5000)
  }
}
