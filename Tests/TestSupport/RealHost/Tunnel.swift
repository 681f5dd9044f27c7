import Foundation
import System

/// One TCP connection between two network namespaces, for moving bytes one way.
///
/// TCP so that nothing is lost and the end is known; the other direction carries no more than its
/// acknowledgements.
struct Tunnel: ~Copyable {
  private let near: Descriptor
  private let far: Descriptor

  /// Connects a socket made in one namespace to a listener made in another.
  ///
  /// - Parameters:
  ///   - device: the network device of the near end that all goes through.
  ///   - address: the IPv4 address the listener is bound to, in its namespace.
  ///   - patience: how many seconds it may take to connect.
  init(
    from near: String, on device: String, to far: String, at address: String, patience: Double
  ) throws {
    let listener = try Tunnel.socket(in: far, patience: patience)
    var here = try Tunnel.address(address)
    guard unsafe Tunnel.with(&here, { unsafe bind(listener.number, $0, $1) }) == 0,
      listen(listener.number, 1) == 0,
      unsafe Tunnel.with(
        &here,
        { pointer, size in
          var size = size
          return unsafe getsockname(listener.number, pointer, &size)
        }) == 0
    else { throw SystemError("listen on", address) }
    let connecting = try Tunnel.socket(in: near, patience: patience)
    guard
      unsafe setsockopt(
        connecting.number, SOL_SOCKET, SO_BINDTODEVICE, device, socklen_t(device.utf8.count)) == 0
    else { throw SystemError("bind to", device) }
    guard unsafe Tunnel.with(&here, { unsafe connect(connecting.number, $0, $1) }) == 0 else {
      throw SystemError("connect through the tunnel to", address)
    }
    let accepted = accept(listener.number, nil, nil)
    guard accepted >= 0 else { throw SystemError("accept on", address) }
    self.near = connecting
    self.far = Descriptor(owning: accepted)
  }

  /// Moves bytes from the near end to the far end and waits until all arrived.
  ///
  /// - Parameter patience: how many seconds the tunnel may stand still meanwhile.
  borrowing func send(_ bytes: Int, patience: Double) throws {
    try Tunnel.move(bytes, from: near, to: far, patience: patience)
  }

  /// Moves bytes from the far end to the near end and waits until all arrived.
  ///
  /// - Parameter patience: how many seconds the tunnel may stand still meanwhile.
  borrowing func fetch(_ bytes: Int, patience: Double) throws {
    try Tunnel.move(bytes, from: far, to: near, patience: patience)
  }

  private static func move(
    _ bytes: Int, from source: borrowing Descriptor, to sink: borrowing Descriptor,
    patience: Double
  ) throws {
    let block = [UInt8](repeating: 0x55, count: 65536)
    var room = block
    var (sent, arrived) = (0, 0)
    let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
    while arrived < bytes {
      if sent < bytes {
        let count = unsafe Foundation.send(
          source.number, block, min(block.count, bytes - sent), flags)
        if count > 0 {
          sent += count
        } else if errno != EAGAIN {
          throw SystemError("send", "bytes")
        }
      }
      let count = unsafe recv(sink.number, &room, room.count, flags)
      if count > 0 {
        arrived += count
        continue
      }
      guard count < 0, errno == EAGAIN else { throw SystemError("receive", "bytes") }
      var waiting = [
        pollfd(fd: sink.number, events: Int16(POLLIN), revents: 0),
        pollfd(fd: source.number, events: sent < bytes ? Int16(POLLOUT) : 0, revents: 0),
      ]
      guard unsafe poll(&waiting, 2, Int32(patience * 1000)) > 0 else {
        throw RealHostError("the tunnel moved \(arrived) of \(bytes) bytes and then stood still")
      }
    }
  }

  /// Makes a TCP socket that belongs to a namespace. A thread of its own goes there and ends, so
  /// that no other code ever runs in the wrong network.
  private static func socket(in namespace: String, patience: Double) throws -> Descriptor {
    let place = try Descriptor.open("/run/netns/" + namespace, O_RDONLY)
    let made = Made()
    let done = DispatchSemaphore(value: 0)
    let number = place.number
    Thread.detachNewThread {
      if enter(number) {
        let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        made.number = Foundation.socket(AF_INET, stream, 0)
      }
      done.signal()
    }
    done.wait()
    guard made.number >= 0 else { throw SystemError("make a socket in", namespace, code: EPERM) }
    let (whole, fraction) = (Int(patience), patience.truncatingRemainder(dividingBy: 1))
    var limit = timeval(tv_sec: whole, tv_usec: Int(fraction * 1_000_000))
    for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
      unsafe setsockopt(
        made.number, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    return Descriptor(owning: made.number)
  }

  /// Moves the calling thread into a network namespace. The corresponding C function is `setns`,
  /// which the headers show to C only with `_GNU_SOURCE`, so it is looked up by name.
  private static func enter(_ namespace: Int32) -> Bool {
    typealias Call = @convention(c) (Int32, Int32) -> Int32
    let cloneNewNet: Int32 = 0x4000_0000
    guard let symbol = unsafe dlsym(nil, "setns") else { return false }
    let setns = unsafe unsafeBitCast(symbol, to: Call.self)
    return setns(namespace, cloneNewNet) == 0
  }

  private static func address(_ text: String) throws -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    guard unsafe inet_pton(AF_INET, text, &address.sin_addr) == 1 else {
      throw RealHostError("\(text) is no IPv4 address")
    }
    return address
  }

  private static func with(
    _ address: inout sockaddr_in, _ call: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe call($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// Carries a descriptor's number out of a thread; the semaphore orders the two sides.
  private final class Made: @unchecked Sendable {
    var number: Int32 = -1
  }
}
