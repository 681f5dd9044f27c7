import Glibc
import System

/// The management interface: one listener, one connection at a time, the next ones wait in the
/// kernel's queue.
final class Management {
  let server: Server
  let listener: Int32
  private(set) var connection: Connection?
  /// How the next connections are treated.
  private var behaviour = Behaviour.normal
  private var connectionsLeft: Int?
  /// Every command so far, as it came.
  private(set) var log: [Text] = []
  /// Connections accepted so far.
  private(set) var connections = 0
  /// Told the name of each command that was executed.
  var executed: (String) -> Void = { _ in }
  private let path: String?

  init(_ server: Server) throws {
    self.server = server
    switch server.options.management {
    case .unix(let path):
      self.path = path
      listener = try Listener.unix(path)
    case .tcp(let host, let port):
      path = nil
      listener = try Listener.tcp(host, port)
    }
    server.notify = { [weak self] block in
      guard let connection = self?.connection, connection.isTrusted else { return }
      connection.say(block)
    }
  }

  /// Whether a client could be accepted now.
  var accepts: Bool { connection == nil && behaviour != .busy }

  /// - Parameter count: connections after which the server is normal again; nil for no end.
  func behave(_ behaviour: Behaviour, count: Int?) {
    self.behaviour = behaviour
    connectionsLeft = count
  }

  func accept() {
    let socket = Glibc.accept(listener, nil, nil)
    guard socket >= 0 else { return }
    _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
    connections += 1
    connection = Connection(socket: socket, behaviour: behaviour, options: server.options)
    if let left = connectionsLeft {
      connectionsLeft = left - 1
      if left <= 1 { behave(.normal, count: nil) }
    }
    hangUpIfOver()
  }

  func write(at now: Duration) {
    guard let connection else { return }
    if connection.write(at: now) { hangUpIfOver() } else { hangUp() }
  }

  func read() {
    guard let connection else { return }
    guard let lines = connection.read() else { return hangUp() }
    for line in lines where !connection.isFrozen {
      if !connection.isTrusted {
        guard connection.takePassword(line, server.options) else { return hangUp() }
        continue
      }
      log.append(line)
      if line == Text("quit".utf8) || line == Text("exit".utf8) { return hangUp() }
      let commands = Commands(server: server, connection: connection, now: Clock.now)
      if let name = commands.execute(line) { executed(name) }
    }
    hangUpIfOver()
  }

  private func hangUpIfOver() { if connection?.isOver == true { hangUp() } }

  func hangUp() { connection = nil }

  /// Takes the socket away, as a server that ends in order does.
  func close() {
    hangUp()
    Glibc.close(listener)
    if let path { _ = unsafe unlink(path) }
  }

  /// Where it listens, with the port it got.
  var endpoint: String {
    switch server.options.management {
    case .unix(let path): return "unix:\(path)"
    case .tcp(let host, let port):
      return "tcp:\(host.contains(":") ? "[\(host)]" : host):\(Listener.port(of: listener) ?? port)"
    }
  }
}

/// Sockets that listen for one client, as OpenVPN opens them.
private enum Listener {
  static func unix(_ path: String) throws -> Int32 {
    // OpenVPN takes a socket that is in its way for its own of an earlier run.
    _ = unsafe unlink(path)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count < room else { throw OptionError("the socket's path is too long: \(path)") }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let mask = umask(0)
    defer { umask(mask) }
    let bound = unsafe withUnsafeBytes(of: &address) { bytes in
      unsafe bind(
        listener, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
        socklen_t(MemoryLayout<sockaddr_un>.size))
    }
    guard bound == 0 else { throw SystemError("bind", path) }
    return try listening(listener, path)
  }

  static func tcp(_ host: String, _ port: String) throws -> Int32 {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_PASSIVE
    var found: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(host, port, &hints, &found) == 0, let first = unsafe found else {
      throw OptionError("cannot resolve \(host):\(port)")
    }
    defer { unsafe freeaddrinfo(first) }
    let address = unsafe first.pointee
    let listener = unsafe socket(address.ai_family, Int32(SOCK_STREAM.rawValue), 0)
    var yes: Int32 = 1
    unsafe setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    guard unsafe bind(listener, address.ai_addr, address.ai_addrlen) == 0 else {
      throw SystemError("bind", "\(host):\(port)")
    }
    return try listening(listener, "\(host):\(port)")
  }

  static func port(of listener: Int32) -> String? {
    var address = sockaddr_in6()
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let known = unsafe withUnsafeMutableBytes(of: &address) { bytes in
      unsafe getsockname(listener, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &size)
    }
    // The port stands at the same place in an IPv4 and an IPv6 address.
    return known == 0 ? "\(UInt16(bigEndian: address.sin6_port))" : nil
  }

  private static func listening(_ listener: Int32, _ subject: String) throws -> Int32 {
    _ = fcntl(listener, F_SETFD, FD_CLOEXEC)
    guard listen(listener, 1) == 0 else { throw SystemError("listen on", subject) }
    return listener
  }
}
