import OpenVPN
import Sweep
import System

/// A clock and servers that are nothing but values: time passes only when a sweep waits.
final class SimulatedWorld: SweepClock, Transport {
  var now: Int64 { start + monotonic.components.seconds }
  var monotonic = Duration.zero
  var boot: Int64 = 7
  /// The servers by their management sockets.
  var servers: [String: InMemoryServer] = [:]
  private let start: Int64 = 1_700_000_000

  var environment: SweepEnvironment { SweepEnvironment(clock: self, transport: self) }

  func connect(
    to address: ManagementEndpoint.Address
  ) throws(SystemError) -> any ManagementStream {
    guard let server = servers["\(address)"], server.isRunning else {
      throw SystemError("connect to", "\(address)", code: 2)
    }
    server.connections += 1
    return InMemoryStream(server)
  }

  func wait(for streams: inout [AwaitedStream], until end: Duration) {
    for index in streams.indices {
      streams[index].canWrite = streams[index].wantsToWrite
      streams[index].canRead = (streams[index].stream as? InMemoryStream)?.hasMore == true
    }
    let isAnyReady = streams.contains { $0.canRead || $0.canWrite }
    // A quick machine: what is there is dealt with in a millisecond.
    monotonic = isAnyReady ? monotonic + .milliseconds(1) : max(monotonic, end)
  }
}

/// A server that answers command lines by a function.
final class InMemoryServer {
  var isRunning = true
  var connections = 0
  /// Every line that came.
  var commands: [String] = []
  var greeting = ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n"
  /// Gives the answer to a line, with its line ends; nil hangs up.
  var answer: (String) -> String?

  init(answer: @escaping (String) -> String?) { self.answer = answer }
}

/// A connection to an in-memory server.
private final class InMemoryStream: ManagementStream {
  private let server: InMemoryServer
  private var outgoing: ArraySlice<UInt8>
  private var line: [UInt8] = []
  private var isOver = false

  init(_ server: InMemoryServer) {
    self.server = server
    outgoing = Array(server.greeting.utf8)[...]
  }

  var hasMore: Bool { !outgoing.isEmpty || isOver }

  func finishConnecting() throws(SystemError) -> Bool { true }

  func send(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
    for byte in bytes {
      guard byte == UInt8(ascii: "\n") else {
        line.append(byte)
        continue
      }
      let command = String(decoding: line, as: UTF8.self)
      line = []
      server.commands.append(command)
      if let answer = server.answer(command) { outgoing += answer.utf8 } else { isOver = true }
    }
    return bytes.count
  }

  func receive(into buffer: inout [UInt8]) throws(SystemError) -> Int? {
    if outgoing.isEmpty { return isOver ? 0 : nil }
    let count = min(outgoing.count, buffer.count)
    buffer.replaceSubrange(0..<count, with: outgoing.prefix(count))
    outgoing = outgoing.dropFirst(count)
    return count
  }
}
