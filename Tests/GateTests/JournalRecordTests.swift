import Gate
import Testing

@Suite struct `A record of the journal` {
  private static let end = JournalRecord(
    kind: .end, mark: 0xFFFF_0000_1234_5678, boot: 1 << 59, serverStart: 1_795_000_000,
    server: Array("udp".utf8), pid: 4711, connectedSince: 1_795_466_205,
    realtime: 1_795_466_305_123_456_789, boottime: 5_000_000_001, ipv4: Array("10.8.0.2".utf8),
    ipv6: Array("fd00::2".utf8), device: Array("tun0".utf8), clientHost: Array("192.0.2.1".utf8),
    clientPort: Array("1194".utf8), commonName: Array("Jürgen, 100 %\t\n".utf8),
    username: Array("-".utf8), owner: [0xFF, 0], received: 1 << 40, sent: 7, duration: 100)

  @Test(arguments: JournalRecord.Kind.allCases)
  func `is read as it was written`(kind: JournalRecord.Kind) throws {
    var record = Self.end
    record.kind = kind
    if kind != .end { (record.received, record.sent, record.duration) = (nil, nil, nil) }
    if kind == .out || kind == .auth { record.reason = .nameTooLong }
    let line = record.encoded()
    #expect(line.first == 10)
    let read = JournalRecord(line: line.span.extracting(1...))
    #expect(read == record)
  }

  @Test func `is one line that a person can read`() {
    let line = String(decoding: Self.end.encoded().dropFirst(), as: UTF8.self)
    #expect(
      line.hasPrefix(
        "3\tend\tFFFF000012345678\t576460752303423488\t1795000000\tudp\t4711\t1795466205\t"
          + "1795466305123456789\t5000000001\t10.8.0.2\tfd00::2\ttun0\t192.0.2.1\t1194\t"
          + "J%C3%BCrgen,%20100%20%25%09%0A\t%2D\t%FF%00\t1099511627776\t7\t100\t"))
  }

  @Test func `is none once any byte of it is another, or missing`() {
    let line = Array(Self.end.encoded().dropFirst())
    for index in line.indices {
      var damaged = line
      damaged[index] ^= 1
      let (read, cut) = (
        JournalRecord(line: damaged.span), JournalRecord(line: line.span.extracting(..<index))
      )
      #expect(read == nil && cut == nil)
    }
  }
}
