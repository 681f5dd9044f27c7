import Glibc

/// Where a stream socket can be connected to: the C structure `sockaddr` as bytes.
package struct SocketAddress: Sendable {
  private let bytes: [UInt8]

  /// A unix socket.
  ///
  /// - Throws: `ENAMETOOLONG` for a path that does not fit into `sockaddr_un`, 107 bytes.
  package static func unix(_ path: String) throws(SystemError) -> SocketAddress {
    var address = sockaddr_un()
    let room = MemoryLayout.size(ofValue: address.sun_path) - 1
    guard path.utf8.count <= room else {
      throw SystemError("connect to", "unix:\(path)", code: ENAMETOOLONG)
    }
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    return unsafe withUnsafeBytes(of: &address) { unsafe SocketAddress(bytes: Array($0)) }
  }

  /// Whether a host is an address, or a name that every machine knows by itself, so that finding its
  /// address takes no time.
  package static func isResolvedAtOnce(_ host: String) -> Bool {
    if host == "localhost" { return true }
    var hints = unsafe addrinfo()
    unsafe hints.ai_flags = AI_NUMERICHOST
    var list: UnsafeMutablePointer<addrinfo>?
    defer { unsafe freeaddrinfo(list) }
    return unsafe getaddrinfo(host, nil, &hints, &list) == 0
  }

  /// The addresses of a host, in the order they should be tried. The corresponding C function is
  /// `getaddrinfo`, which for a name may take as long as the machine's resolver does.
  ///
  /// - Throws: `SystemError` naming the host, with `EHOSTUNREACH` for a name that has no address.
  package static func tcp(host: String, port: UInt16) throws(SystemError) -> [SocketAddress] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(host, String(port), &hints, &list)
    guard code == 0 else {
      throw SystemError("resolve", host, code: code == EAI_SYSTEM ? errno : EHOSTUNREACH)
    }
    defer { unsafe freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next?.pointee {
      let bytes = unsafe UnsafeRawBufferPointer(start: entry.ai_addr, count: Int(entry.ai_addrlen))
      unsafe addresses.append(SocketAddress(bytes: Array(bytes)))
      unsafe next = entry.ai_next
    }
    return addresses
  }

  /// Starts to connect and does not wait. The corresponding C functions are `socket` and `connect`.
  ///
  /// - Parameter subject: what to call it in an error.
  /// - Returns: the socket; it becomes writable when it is connected, or has failed, and
  ///   `connectionError` tells which.
  /// - Throws: `SystemError` for a failure known at once; `EAGAIN` from a unix socket whose queue
  ///   is full.
  package func connect(as subject: String) throws(SystemError) -> Descriptor {
    let family = unsafe bytes.withUnsafeBytes { unsafe $0.load(as: sa_family_t.self) }
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let number = socket(Int32(family), kind | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw SystemError("make a socket for", subject) }
    let descriptor = Descriptor(owning: number)
    let result = unsafe bytes.withUnsafeBytes { raw in
      let address = unsafe raw.assumingMemoryBound(to: sockaddr.self).baseAddress
      return retryingOnInterrupt {
        unsafe Glibc.connect(number, address, socklen_t(raw.count))
      }
    }
    guard result == 0 || errno == EINPROGRESS else { throw SystemError("connect to", subject) }
    return descriptor
  }
}

extension Descriptor {
  /// A socket by which the kernel's tables are asked (`NETLINK_NETFILTER`).
  package static func netfilterSocket() throws(SystemError) -> Descriptor {
    let kind = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let number = socket(AF_NETLINK, kind, 12)
    guard number >= 0 else { throw SystemError("make a socket for", "the kernel's tables") }
    return Descriptor(owning: number)
  }

  /// Why a connection that was started has failed, 0 if it has not.
  package borrowing func connectionError() -> Int32 {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    let result = unsafe getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size)
    return result == 0 ? code : errno
  }

  /// Sends what can be sent at once, without a signal should nobody listen any more.
  ///
  /// - Returns: the number of bytes sent, 0 if the other side takes none now.
  package borrowing func send(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
    let sent = unsafe bytes.withUnsafeBytes { raw in
      let flags = Int32(MSG_NOSIGNAL)
      return retryingOnInterrupt { unsafe Glibc.send(number, raw.baseAddress, raw.count, flags) }
    }
    if sent >= 0 { return sent }
    if errno == EAGAIN { return 0 }
    throw SystemError("write to", "the connection")
  }

  /// - Returns: the number of bytes read, 0 at the end, nil if nothing is there now.
  package borrowing func receive(into buffer: inout [UInt8]) throws(SystemError) -> Int? {
    let got = unsafe buffer.withUnsafeMutableBytes { raw in
      retryingOnInterrupt { unsafe Glibc.read(number, raw.baseAddress, raw.count) }
    }
    if got >= 0 { return got }
    if errno == EAGAIN { return nil }
    throw SystemError("read from", "the connection")
  }
}

/// What to wait for on a descriptor, and what came of it.
package struct Readiness {
  package let descriptor: Int32
  /// Whether to wait until it can be written, too, not only read.
  package let wantsToWrite: Bool
  /// Whether it can be read or has failed.
  package private(set) var canRead = false
  /// Whether it can be written or has failed.
  package private(set) var canWrite = false

  package init(descriptor: Int32, wantsToWrite: Bool) {
    self.descriptor = descriptor
    self.wantsToWrite = wantsToWrite
  }

  /// Waits until one of several descriptors is ready or the time is up (`poll`).
  package static func wait(for several: inout [Readiness], atMost time: Duration) {
    var polled = several.map { one in
      let events = one.wantsToWrite ? POLLIN | POLLOUT : POLLIN
      return pollfd(fd: one.descriptor, events: Int16(events), revents: 0)
    }
    let milliseconds = max(
      0,
      (time.components.seconds * 1000)
        + (time.components.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    _ = unsafe poll(&polled, nfds_t(polled.count), Int32(min(milliseconds, 1 << 30)))
    for (index, one) in polled.enumerated() {
      let failed = Int32(one.revents) & (POLLERR | POLLHUP | POLLNVAL) != 0
      several[index].canRead = failed || Int32(one.revents) & POLLIN != 0
      several[index].canWrite = failed || Int32(one.revents) & POLLOUT != 0
    }
  }
}
