import Foundation
import System

/// Asks a management interface one thing, independently of the code under test.
enum ManagementProbe {
  /// Gives the answer's lines, without what the server says on its own (`>…`).
  static func ask(_ command: String, at path: String) throws -> [String] {
    let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let socket = Descriptor(owning: Foundation.socket(AF_UNIX, stream, 0))
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    unsafe setsockopt(
      socket.number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw SystemError("connect to", path, code: ENAMETOOLONG)
    }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let connected = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(socket.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else { throw SystemError("connect to", path) }
    let question = Array((command + "\n").utf8)
    try socket.write(question.span, to: path)
    var answer: [String] = []
    var pending: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65536)
    // Waits for the server to hang up. A client that leaves what 2.7 has yet to write, and another that comes
    // at once, make it forget to listen to that other one: management_socket_set (manage.c) finds
    // MS_CC_WAIT_WRITE as before, and does not look whether the socket is another.
    defer {
      shutdown(socket.number, Int32(SHUT_WR))
      while unsafe recv(socket.number, &block, block.count, 0) > 0 {}
    }
    while true {
      let count = unsafe recv(socket.number, &block, block.count, 0)
      guard count > 0 else {
        throw RealHostError("'\(command)' got no whole answer: \(answer)")
      }
      pending += block[..<count]
      while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: pending[..<end], as: UTF8.self).filter { $0 != "\r" }
        pending.removeSubrange(...end)
        if line.hasPrefix(">") { continue }
        answer.append(line)
        let isLast = ["END", "SUCCESS: ", "ERROR: "].contains { line.hasPrefix($0) }
        if isLast { return answer }
      }
    }
  }
}
