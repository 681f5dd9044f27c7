import Gate
import OpenVPN
import Sweep
import System

/// The world as a sweep meets it: its clock, and its servers in the place of sockets.
///
/// Steps are what the sweep asks of it; at one of them the sweep may be killed, and from then on
/// nothing that it does reaches anybody.
final class WorldTransport: SweepClock, Transport {
  private let world: World
  private let pause: () -> Void
  private let life: Life
  private let makeMoment: () -> JournalMoment
  private(set) var monotonic = Duration.zero

  init(
    _ world: World, _ life: Life, _ moment: @escaping () -> JournalMoment,
    pause: @escaping () -> Void
  ) {
    self.world = world
    self.life = life
    self.makeMoment = moment
    self.pause = { if !life.isOver { pause() } }
  }

  var now: Int64 { world.clock }
  var boot: Int64 { world.boot }
  var boottime: Int64 { makeMoment().boottime }

  var environment: SweepEnvironment { SweepEnvironment(clock: self, transport: self) }

  func connect(
    to address: ManagementEndpoint.Address
  ) throws(SystemError) -> any ManagementStream {
    life.advance()
    pause()
    let server = world.servers.first { "\(address)" == "unix:/\($0.name)" }
    guard let server, server.isFree, !life.isOver else {
      throw SystemError("connect to", "\(address)", code: 111)
    }
    return WorldStream(ManagementAnswers(server, in: world, pause: pause), life)
  }

  func wait(for streams: inout [AwaitedStream], until end: Duration) {
    for index in streams.indices {
      streams[index].canWrite = streams[index].wantsToWrite
      streams[index].canRead = (streams[index].stream as? WorldStream)?.hasMore == true
    }
    let isAnyReady = streams.contains { $0.canRead || $0.canWrite }
    monotonic = isAnyReady ? monotonic + .milliseconds(1) : max(monotonic, end)
  }
}

/// A connection to a server of the world.
private final class WorldStream: ManagementStream {
  private let answers: ManagementAnswers
  private let life: Life
  private var outgoing: [UInt8]
  private var line: [UInt8] = []
  private var isOver = false

  init(_ answers: ManagementAnswers, _ life: Life) {
    self.answers = answers
    self.life = life
    outgoing = Array(answers.greeting.utf8)
  }

  var hasMore: Bool { !outgoing.isEmpty || isOver || life.isOver }

  func finishConnecting() throws(SystemError) -> Bool { true }

  func send(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
    for byte in bytes where !isOver {
      guard byte == UInt8(ascii: "\n") else {
        line.append(byte)
        continue
      }
      life.advance()
      if life.isOver { break }
      let answer = answers.answer(String(decoding: line, as: UTF8.self))
      line = []
      if let answer { outgoing += answer.utf8 } else { isOver = true }
    }
    return bytes.count
  }

  func receive(into buffer: inout [UInt8]) throws(SystemError) -> Int? {
    if life.isOver { return 0 }
    if outgoing.isEmpty { return isOver ? 0 : nil }
    let count = min(outgoing.count, buffer.count)
    buffer.replaceSubrange(0..<count, with: outgoing.prefix(count))
    outgoing.removeFirst(count)
    return count
  }
}
