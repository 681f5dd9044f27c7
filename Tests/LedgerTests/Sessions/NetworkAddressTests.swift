import Testing

@testable import Ledger

@Suite struct `An address` {
  @Test(arguments: [
    ("10.8.0.2", "10.8.0.2"), ("255.255.255.255", "255.255.255.255"), ("0.0.0.0", "0.0.0.0"),
    ("::ffff:10.8.0.2", "10.8.0.2"), ("::FFFF:a08:2", "10.8.0.2"), ("fd77::5", "fd77::5"),
    ("FD77:0:0:0:0:0:0:5", "fd77::5"), ("::1", "::1"), ("fe80::", "fe80::"),
    ("fe80::1%eth0", "fe80::1"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
    ("1:0:0:4:0:0:0:8", "1:0:0:4::8"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ("::", ""), ("", ""), ("10.8.0", ""), ("10.8.0.256", ""), ("10.8.0.2.1", ""), ("10..0.2", ""),
    ("1:2:3", ""), ("1::2::3", ""), (":1", ""), ("1:", ""), ("1:2:3:4:5:6:7:8:9", ""),
    ("12345::", ""), ("g::", ""), ("alice", ""), ("@alice", ""), ("10.8.0.2 ", ""),
    ("1000.8.0.2", ""), (":::", ""), ("::1:", ""),
  ])
  func `is read in every spelling and written in one`(text: String, shown: String) {
    let address = NetworkAddress(text: Array(text.utf8))
    #expect(address.description == shown)
    #expect(NetworkAddress(bytes: address.bytes.span) == address)
  }

  @Test(arguments: [
    ("10.77.0.2:35040", "10.77.0.2:35040"), ("fd77::5", "fd77::5"),
    ("udp4:10.77.0.2:50245", "10.77.0.2:50245"),
    ("tcp4-server:10.77.0.2:54318", "10.77.0.2:54318"),
    ("udp6:[fd77::5]:55286", "[fd77::5]:55286"), ("udp6:10.77.0.2:39808", "10.77.0.2:39808"),
    ("[fd77::5]:55286", "[fd77::5]:55286"), ("tcp6-server:[fd77::5]:1", "[fd77::5]:1"),
    ("10.77.0.2", "10.77.0.2"), ("10.77.0.2:99999", "10.77.0.2"), ("10.77.0.2:", "10.77.0.2"),
    ("", ""), ("udp4:", ""), ("[", ""), ("[]:1", ""), ("nonsense", ""), ("udp4:nonsense:5", ""),
  ])
  func `of a client is read as every release lists it`(text: String, shown: String) {
    let address = RealAddress(listed: Array(text.utf8)[...])
    #expect(address.description == shown)
    #expect(RealAddress(bytes: address.bytes.span) == (address.isNone ? .none : address))
  }

  @Test func `of a client is the same in a listing and in a hook`() {
    let hook = RealAddress(host: Array("fd77::5".utf8), port: Array("55286".utf8))
    #expect(hook == RealAddress(listed: Array("udp6:[fd77::5]:55286".utf8)[...]))
    #expect(hook.host == RealAddress(listed: Array("fd77::5".utf8)[...]).host)
  }
}
