import Glibc
import System

/// Talks to a management interface line by line, as a person with `socat` would: tests of the
/// simulator see with it what really goes over the wire.
package final class ManagementClient {
  private let socket: Int32
  private var received: [UInt8] = []
  private var isAtEnd = false

  /// Nothing came in time.
  package struct Silence: Error {
    /// What had come of the line that was waited for.
    package let soFar: String
  }

  /// Connects to `unix:/path` or `tcp:HOST:PORT`, as the setting `MANAGEMENT` writes it.
  package init(_ place: String) throws {
    if place.hasPrefix("unix:") {
      let path = Array(place.dropFirst(5).utf8)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
      socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      let connected = unsafe withUnsafeBytes(of: &address) { bytes in
        unsafe connect(
          socket, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
          socklen_t(MemoryLayout<sockaddr_un>.size))
      }
      guard connected == 0 else { throw SystemError("connect to", place) }
    } else {
      let parts = place.dropFirst(4).split(separator: ":", omittingEmptySubsequences: false)
      let host = parts.dropLast().joined(separator: ":").filter { !"[]".contains($0) }
      var hints = unsafe addrinfo()
      unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
      var found: UnsafeMutablePointer<addrinfo>?
      guard unsafe getaddrinfo(host, String(parts.last ?? ""), &hints, &found) == 0,
        let address = unsafe found
      else { throw SystemError("resolve", place, code: EINVAL) }
      defer { unsafe freeaddrinfo(address) }
      socket = unsafe Glibc.socket(
        address.pointee.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      guard unsafe connect(socket, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else {
        throw SystemError("connect to", place)
      }
    }
  }

  deinit { close(socket) }

  /// Sends bytes as they are.
  package func send(_ text: String) throws {
    let bytes = Array(text.utf8)
    let sent = unsafe bytes.withUnsafeBytes {
      unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    guard sent == bytes.count else { throw SystemError("write to", "the management interface") }
  }

  /// Gives the next line without its `\r\n`, nil at the end of the stream.
  ///
  /// - Throws: `Silence` when no whole line came within the seconds.
  package func line(within seconds: Double = 10) throws -> String? {
    let deadline = Clock.monotonic + .seconds(seconds)
    while true {
      if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
        defer { received.removeFirst(end + 1) }
        let line = received[..<end]
        return String(
          decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
      }
      guard try receive(until: deadline) else { return nil }
    }
  }

  /// Gives everything up to and with this text.
  ///
  /// - Throws: `Silence` when it did not come within the seconds, or the stream ended.
  package func text(upTo text: String, within seconds: Double = 10) throws -> String {
    let deadline = Clock.monotonic + .seconds(seconds)
    let sought = Array(text.utf8)
    while received.suffix(sought.count) != sought[...] {
      guard try receive(until: deadline) else { throw Silence(soFar: soFar) }
    }
    defer { received = [] }
    return soFar
  }

  /// Sends one command and gives the lines of its answer, without `>` lines and without `END`.
  package func answer(to command: String) throws -> [String] {
    try send(command + "\n")
    var lines: [String] = []
    while let line = try line() {
      if line.hasPrefix(">") { continue }
      if line == "END" { return lines }
      lines.append(line)
      if lines.count == 1, line.hasPrefix("SUCCESS: ") || line.hasPrefix("ERROR: ") {
        return lines
      }
    }
    throw Silence(soFar: lines.joined(separator: "\n"))
  }

  /// Gives everything to the end of the stream.
  package func rest(within seconds: Double = 10) throws -> [UInt8] {
    let deadline = Clock.monotonic + .seconds(seconds)
    while try receive(until: deadline) {}
    defer { received = [] }
    return received
  }

  /// Gives whatever comes within the seconds.
  package func bytes(for seconds: Double) throws -> [UInt8] {
    let deadline = Clock.monotonic + .seconds(seconds)
    do { while try receive(until: deadline) {} } catch is Silence {}
    defer { received = [] }
    return received
  }

  private var soFar: String { String(decoding: received, as: UTF8.self) }

  /// Gives false at the end of the stream.
  private func receive(until deadline: Duration) throws -> Bool {
    if isAtEnd { return false }
    guard let bytes = try Socket.read(socket, until: deadline) else { throw Silence(soFar: soFar) }
    isAtEnd = bytes.isEmpty
    received += bytes
    return !isAtEnd
  }
}
