import Glibc
import OpenVPN
import System

/// How a sweep reaches management interfaces. It is handed in, so that a model can answer in the
/// place of servers, without sockets.
package protocol Transport {
  /// Begins to connect and does not wait, except for the machine's resolver where a host is a name.
  ///
  /// - Throws: `SystemError` if the connection failed at once.
  func connect(
    to address: ManagementEndpoint.Address
  ) throws(SystemError) -> any ManagementStream

  /// Waits until one of several streams is ready or the clock reaches `end`, and fills in what each
  /// is ready for.
  func wait(for streams: inout [AwaitedStream], until end: Duration)
}

/// A connection to a management interface, as bytes. It is closed when the last reference to it is
/// gone.
package protocol ManagementStream: AnyObject {
  /// Finishes connecting, once the stream is ready to write.
  ///
  /// - Returns: whether it is connected; if not, it goes on with the host's next address.
  /// - Throws: `SystemError` if no address is left.
  func finishConnecting() throws(SystemError) -> Bool

  /// Sends what can be sent at once.
  ///
  /// - Returns: the number of bytes sent.
  func send(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int

  /// Reads what is there into a buffer.
  ///
  /// - Returns: the number of bytes read, 0 at the end, nil if nothing is there now.
  func receive(into buffer: inout [UInt8]) throws(SystemError) -> Int?
}

/// A stream to wait for, and what came of it.
package struct AwaitedStream {
  package let stream: any ManagementStream
  /// Whether to wait until it can be written, too, not only read.
  package let wantsToWrite: Bool
  /// Whether it can be read or has failed.
  package var canRead = false
  /// Whether it can be written or has failed.
  package var canWrite = false
}

/// Connections over unix and TCP sockets.
package struct SocketTransport: Transport {
  package init() {}

  package func connect(
    to address: ManagementEndpoint.Address
  ) throws(SystemError) -> any ManagementStream {
    try SocketStream(address)
  }

  package func wait(for streams: inout [AwaitedStream], until end: Duration) {
    var readiness = streams.map { awaited in
      Readiness(
        descriptor: (awaited.stream as? SocketStream)?.number ?? -1,
        wantsToWrite: awaited.wantsToWrite)
    }
    Readiness.wait(for: &readiness, atMost: end - Clock.monotonic)
    for (index, ready) in readiness.enumerated() {
      streams[index].canRead = ready.canRead
      streams[index].canWrite = ready.canWrite
    }
  }
}

/// A socket, and the addresses of its host that are still to be tried.
private final class SocketStream: ManagementStream {
  private let name: String
  private var addresses: ArraySlice<SocketAddress>
  private var socket: Descriptor?

  /// The number of the descriptor; -1 if there is none.
  var number: Int32 { socket?.number ?? -1 }

  init(_ address: ManagementEndpoint.Address) throws(SystemError) {
    name = "\(address)"
    addresses =
      switch address {
      case .unix(let path): [try .unix(path)]
      case .tcp(let host, let port): try SocketAddress.tcp(host: host, port: port)[...]
      }
    try connectToNextAddress(after: EHOSTUNREACH)
  }

  func finishConnecting() throws(SystemError) -> Bool {
    let code = socket?.connectionError() ?? EBADF
    if code == 0 { return true }
    try connectToNextAddress(after: code)
    return false
  }

  func send(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
    try socket?.send(bytes) ?? 0
  }

  func receive(into buffer: inout [UInt8]) throws(SystemError) -> Int? {
    try socket?.receive(into: &buffer)
  }

  private func connectToNextAddress(after code: Int32) throws(SystemError) {
    socket = nil
    var lastError = SystemError("connect to", name, code: code)
    while let address = addresses.popFirst() {
      do throws(SystemError) {
        socket = try address.connect(as: name)
        return
      } catch {
        lastError = error
      }
    }
    throw lastError
  }
}
