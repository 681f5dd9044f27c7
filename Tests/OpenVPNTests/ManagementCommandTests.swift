import Testing

@testable import OpenVPN

/// Bytes that a command made of a text must arrive as: the words OpenVPN's lexer finds in it.
private func words(_ command: ManagementCommand) throws -> [[UInt8]] {
  #expect(command.text.last == 10)
  #expect(command.text.count { $0 == 10 } == 1)
  return try ConfigLexer.words(in: command.text.dropLast())
}

@Suite struct `A management command` {
  static let hostile = [
    "a b", "a\"b", "a\\", "\\", "\"", "\"\" quit", "#x", ";x", "'", "'x", "a' b", "$(x)", "\\\"",
    "Jürgen", "x\" \"y", "--kill", "a\\\" quit",
  ]

  @Test(arguments: hostile)
  func `carries a name as the one word it is`(name: String) throws {
    #expect(try words(.kill(name: name.utf8)) == [Array("kill".utf8), Array(name.utf8)])
  }

  @Test(arguments: hostile + ["HALT,a:b", "UNDEF"])
  func `carries a message as the one word it is`(message: String) throws {
    #expect(
      try words(.clientKill(3, message: Array(message.utf8)))
        == [Array("client-kill".utf8), Array("3".utf8), Array(message.utf8)])
  }

  @Test(arguments: UInt8.min...UInt8.max)
  func `carries every byte or refuses it`(byte: UInt8) throws {
    let name = [UInt8(ascii: "a"), byte, UInt8(ascii: "b")]
    if byte < 32 || byte == 127 {
      #expect(throws: UnsendableText(.name, .controlByte)) {
        try ManagementCommand.kill(name: name)
      }
      #expect(throws: UnsendableText(.message, .controlByte)) {
        try ManagementCommand.clientKill(1, message: name)
      }
    } else {
      #expect(try words(.clientKill(1, message: name)).last == name)
    }
  }

  @Test func `refuses names that kill takes for something else`() {
    let cases: [(String, UnsendableText.Reason)] = [
      ("", .empty), ("a:b", .colon), ("alice:", .colon), ("UNDEF", .undefined),
      (String(repeating: "x", count: 128), .tooLong(127)), ("a\nkill b", .controlByte),
      ("a\tb", .controlByte),
    ]
    for (name, reason) in cases {
      #expect(throws: UnsendableText(.name, reason), "\(name)") {
        try ManagementCommand.kill(name: name.utf8)
      }
    }
  }

  @Test func `has room for names of 127 and messages of 255 bytes`() throws {
    let name = [UInt8](repeating: UInt8(ascii: "\""), count: 127)
    #expect(try words(.kill(name: name)).last == name)
    let message = [UInt8](repeating: UInt8(ascii: "\\"), count: 255)
    let command = try ManagementCommand.clientKill(.max, message: message)
    #expect(try words(command).last == message)
    // A line of more than 1024 bytes is dropped in silence.
    #expect(command.text.count < 1024)
    #expect(throws: UnsendableText(.message, .tooLong(255))) {
      try ManagementCommand.clientKill(1, message: message + [32])
    }
    #expect(throws: UnsendableText(.message, .empty)) {
      try ManagementCommand.clientKill(1, message: [])
    }
  }

  @Test func `kills by an address of IPv4 and no other`() throws {
    let forms = [
      ("10.77.0.2:35040", "kill 10.77.0.2:35040\n"),
      ("udp4:10.77.0.2:50245", "kill udp:10.77.0.2:50245\n"),
      ("tcp4-server:10.77.0.2:54318", "kill tcp:10.77.0.2:54318\n"),
    ]
    for (listed, sent) in forms {
      let address = try #require(KillAddress(realAddress: Array(listed.utf8)[...]))
      #expect(text(ManagementCommand.kill(address: address).text) == sent)
      #expect(address.namesProtocol == !listed.hasPrefix("1"))
    }
    let others = [
      "", "fd77::5", "udp6:10.77.0.2:39808", "udp6:[fd77::5]:55286", "10.77.0.2", "10.77.0.2:",
      "icmp:10.77.0.2:1", "udp4:10.77.0.2", "udp4:fd77::5",
      "10.77.0.2:0", "10.77.0.2:65536", "10.77.0.256:1", "10.77.0:1", "10.77.0.2.3:1", "a.b.c.d:1",
      "10.77.0.2:1\nquit", "10.77.0.2:1 ", "0010.77.0.2:1", "10..0.2:1",
    ]
    for other in others {
      #expect(KillAddress(realAddress: Array(other.utf8)[...]) == nil, "\(other)")
    }
  }

  @Test func `refused has a reason in words`() {
    #expect(
      UnsendableText(.name, .colon).description
        == "OpenVPN would take a name with a colon for an address")
    #expect(
      UnsendableText(.message, .tooLong(255)).description == "the message has more than 255 bytes")
  }
}
