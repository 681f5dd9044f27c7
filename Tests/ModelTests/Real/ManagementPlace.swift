import Glibc
import System

/// The management interface of one server of the world, on a Unix socket, for the time of a sweep.
final class ManagementPlace {
  let server: Server
  private let path: String
  private let listener: Int32
  private var client: Int32 = -1
  private var received: [UInt8] = []
  private var answers: ManagementAnswers?

  init(_ server: Server, at path: String) throws {
    self.server = server
    self.path = path
    _ = unsafe unlink(path)
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = Array(path.utf8)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
    let bound = unsafe withUnsafeBytes(of: &address) { bytes in
      unsafe bind(
        listener, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
        socklen_t(MemoryLayout<sockaddr_un>.size))
    }
    guard bound == 0, listen(listener, 1) == 0 else { throw SystemError("listen on", path) }
  }

  deinit {
    hangUp()
    close(listener)
    _ = unsafe unlink(path)
  }

  /// What to wait for.
  var readiness: pollfd {
    pollfd(fd: client < 0 ? listener : client, events: Int16(POLLIN), revents: 0)
  }

  /// Goes on after something came.
  ///
  /// - Parameter pause: what happens once a listing is on its way.
  func proceed(in world: World, pause: @escaping () -> Void) {
    if client < 0 {
      client = accept(listener, nil, nil)
      answers = ManagementAnswers(server, in: world, pause: pause)
      if server.isFree, let answers { say(answers.greeting) }
    } else {
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = unsafe recv(client, &buffer, buffer.count, 0)
      if count <= 0 { return hangUp() }
      received += buffer.prefix(count)
    }
    // A server that stands still or is gone says nothing more.
    if !server.isFree { return hangUp() }
    while let end = received.firstIndex(of: UInt8(ascii: "\n")) {
      let line = String(decoding: received[..<end], as: UTF8.self)
      received.removeFirst(end + 1)
      guard let answer = answers?.answer(line.filter { $0 != "\r" }) else { return hangUp() }
      say(answer)
    }
  }

  private func say(_ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe bytes.withUnsafeBytes {
      unsafe send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
  }

  private func hangUp() {
    if client >= 0 { close(client) }
    client = -1
    received = []
    answers = nil
  }
}
