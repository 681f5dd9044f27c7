import Foundation
import Testing

@testable import OpenVPN

/// One release of OpenVPN: what it says, from the folder `Releases`, and how that is to be read.
struct Release: CustomTestStringConvertible, Sendable {
  let name: String
  /// The number in the greeting.
  let management: Int
  /// Bob's client id; nil where a listing has none.
  let clientID: UInt64?
  /// Bob's second address; empty where a listing has none.
  let ipv6: String
  let realAddress: String
  /// What `kill` by address takes; nil where it would not find the client.
  let killable: String?
  let isCaptured: Bool

  var testDescription: String { name }

  static let all = [
    Release(
      name: "2.3", management: 1, clientID: nil, ipv6: "", realAddress: "10.77.0.2:49426",
      killable: "10.77.0.2:49426", isCaptured: false),
    Release(
      name: "2.4", management: 1, clientID: 8, ipv6: "fd99::1007", realAddress: "10.77.0.2:49426",
      killable: "10.77.0.2:49426", isCaptured: false),
    Release(
      name: "2.5", management: 3, clientID: 8, ipv6: "fd99::1007", realAddress: "10.77.0.2:49426",
      killable: "10.77.0.2:49426", isCaptured: false),
    Release(
      name: "2.6", management: 5, clientID: 8, ipv6: "fd99::1007", realAddress: "10.77.0.2:49426",
      killable: "10.77.0.2:49426", isCaptured: true),
    Release(
      name: "2.7", management: 6, clientID: 8, ipv6: "fd99::1007",
      realAddress: "udp4:10.77.0.2:49426", killable: "udp:10.77.0.2:49426", isCaptured: false),
  ]

  /// The lines behind a heading of the release's file, or before the first one.
  func lines(_ heading: String?) throws -> [String] {
    let file = Bundle.module.bundleURL.appendingPathComponent("Releases/\(name).txt")
    let parts = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n== ")
    let part = heading.map { heading in parts.dropFirst().first { $0.hasPrefix(heading + "\n") } }
    let lines = try #require(part ?? parts[0]).split(separator: "\n").map(String.init)
    return Array(lines.dropFirst(heading == nil ? 0 : 1))
  }

  /// The lines as they come over the wire.
  func wire(_ heading: String) throws -> [UInt8] {
    Array(try lines(heading).map { $0 + "\r\n" }.joined().utf8)
  }

  func environment(_ heading: String) throws -> HookEnvironment {
    let lines = try lines(heading)
    let source: HookEnvironment.Source = { name in
      lines.first { $0.hasPrefix("\(name)=") }.map {
        Array($0.utf8.dropFirst("\(name)=".utf8.count))
      }
    }
    return try HookEnvironment(of: try HookEnvironment.script(reading: source), reading: source)
  }
}

@Suite struct `Every release from 2.3 to 2.7` {
  @Test(arguments: Release.all)
  func `says in its file whether it was captured or constructed`(release: Release) throws {
    let origin = try release.lines(nil).first ?? ""
    #expect(origin.hasPrefix(release.isCaptured ? "# Captured" : "# Constructed"))
    #expect(origin.contains("\(release.name)."))
  }

  @Test(arguments: Release.all)
  func `lists its sessions in the columns it has`(release: Release) throws {
    var session = ManagementSession(password: nil, timeout: .seconds(5), now: .zero)
    session.ask(.listing, now: .zero)
    let said = try release.wire("greeting") + release.wire("status 3")
    session.receive((said + Array("SUCCESS: pid=5325\r\n".utf8)).span, now: .zero)
    guard case .ready(let version)? = session.nextEvent(),
      case .listing(let listing)? = session.nextEvent()
    else { return #expect(Bool(false), "there is no listing") }
    #expect(version == release.management)
    #expect(listing.isComplete)
    #expect(listing.pid == 5325)
    #expect(listing.serverTime == 1_795_474_110)
    #expect(text(listing.title).hasPrefix("OpenVPN \(release.name)."))
    #expect(listing.rows.count == 3)
    let sessions = listing.rows.filter(\.isSession)
    #expect(Set(sessions.map { text($0.commonName) }) == ["bob, \"the\" Builder", "carol"])
    let bob = try #require(sessions.first { $0.commonName.first == UInt8(ascii: "b") })
    #expect(bob.clientID == release.clientID)
    #expect(text(bob.virtualIPv6Address) == release.ipv6)
    #expect(text(bob.realAddress) == release.realAddress)
    #expect(bob.killAddress.map { text($0.text) } == release.killable)
    #expect(bob.bytesReceived == 1849 && bob.bytesSent == 2043)
    #expect(bob.connectedSince == 1_795_474_098)
    let carol = try #require(sessions.first { $0.commonName.first == UInt8(ascii: "c") })
    #expect(text(carol.username) == "carol.login, \"x\"")
  }

  @Test(arguments: Release.all)
  func `has names and counters and no session in format 1`(release: Release) throws {
    let listing = StatusListing(parsing: try release.wire("status 1"))
    #expect(listing.isComplete)
    #expect(
      Set(listing.rows.map { text($0.commonName) }) == ["bob, \"the\" Builder", "carol", "UNDEF"])
    #expect(!listing.rows.contains { $0.isSession })
  }

  @Test(arguments: Release.all)
  func `tells its hooks of the session that it lists`(release: Release) throws {
    let rows = StatusListing(parsing: try release.wire("status 3")).rows
    let row = try #require(rows.first { $0.commonName.first == UInt8(ascii: "b") })
    let connect = try release.environment("client-connect")
    let disconnect = try release.environment("client-disconnect")
    #expect(connect.duration == nil && disconnect.duration != nil)
    for hook in [connect, disconnect] {
      #expect(text(hook.ipv4) == text(row.address))
      #expect(hook.connectedSince == row.connectedSince)
      #expect(hook.processID == 5325)
      #expect(hook.commonName == Array(row.commonName))
      #expect(hook.problems.isEmpty)
    }
    #expect(connect.bytesReceived == nil)
    #expect(disconnect.bytesReceived == 1849 && disconnect.bytesSent == 2043)
    #expect(disconnect.duration == 16)
  }
}
