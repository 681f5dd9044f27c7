import Gate
import System

/// What a sweep has to do with outside the ledger. It is handed in, so that a model can drive the
/// sweep with servers and a time of its own.
package struct SweepEnvironment {
  package let clock: any SweepClock
  package let transport: any Transport
  /// Gives the absolute position of the journal's end; asked just before `status` is sent.
  package var journalPosition: () -> Int64 = { 0 }
  /// Whether listings are to have the networks behind clients.
  var readsNetworks = false

  package init(clock: any SweepClock, transport: any Transport) {
    self.clock = clock
    self.transport = transport
  }

  /// The machine's clocks, and sockets.
  package static var system: SweepEnvironment {
    SweepEnvironment(clock: SystemClock(), transport: SocketTransport())
  }
}

/// The clocks that a sweep goes by.
package protocol SweepClock {
  /// Seconds since 1970 in UTC.
  var now: Int64 { get }
  /// Time since a fixed moment; it never goes back.
  var monotonic: Duration { get }
  /// The machine's present boot, as `Boot` numbers it.
  var boot: Int64 { get }
  /// Nanoseconds since 1970 in UTC, and since the machine's start.
  var realtime: Int64 { get }
  var boottime: Int64 { get }
}

extension SweepClock {
  /// A clock that has no part of a second.
  package var realtime: Int64 { now * 1_000_000_000 }
  /// A clock that is never set runs on like `monotonic`.
  package var boottime: Int64 { Int64(monotonic / .nanoseconds(1)) }

  /// The present moment, as records of the journal are dated by it.
  var moment: JournalMoment {
    JournalMoment(realtime: realtime, boottime: boottime, boot: boot)
  }
}

/// The machine's own clocks.
package struct SystemClock: SweepClock {
  package init() {}

  package var now: Int64 { Clock.now }
  package var monotonic: Duration { Clock.monotonic }
  package var boot: Int64 { Boot.toldOrCurrent() }
  package var realtime: Int64 { Clock.realtime }
  package var boottime: Int64 { Clock.boottime }
}
