import Glibc
import System
import TestSupport
import Testing

/// Every program is killed by SIGKILL at every system call in turn, or at a choice of them.
@Suite struct TortureTests {
  @Test(arguments: TortureCase.all)
  func `Whatever a program is killed at, nothing is lost or counted twice`(situation: TortureCase)
    throws
  {
    try torture(situation)
  }

  @Test(.enabled(if: HeldKernel.isAvailable), arguments: TortureCase.fence)
  func `Whatever the fence is killed at, the kernel holds those it should after the next run`(
    situation: TortureCase
  ) throws {
    try torture(situation)
  }

  private func torture(_ situation: TortureCase) throws {
    let clock = ContinuousClock.now
    let torture = try Torture(situation)
    let choice = torture.choice()
    var died = 0
    for call in choice where try torture.kill(at: call) { died += 1 }
    let seconds = (ContinuousClock.now - clock).components.seconds
    say(
      "\(situation.program), \(situation.testDescription): \(died) of \(torture.calls.count) calls, \(seconds) s"
    )
    // The memory's layout is another one in each run, and so may be the calls that ask for some.
    #expect(died >= choice.count - 5)
    #expect(died >= 8)
  }

  @Test func `A program that is killed at a call has not made it`() throws {
    let host = try TorturedHost()
    let strace = try SystemCalls()
    try host.sweep()
    let (program, environment) = (
      Program.path("quota-connect"), host.environment(host.hook("client-connect"))
    )
    let before = host.journalSize
    let (calls, outcome) = try strace.calls(of: program, [], environment: environment)
    #expect(outcome.status == 0)
    let after = host.journalSize
    #expect(after > before)
    let writes = calls.filter { $0.name == "write" || $0.name == "writev" }
    #expect(writes.count == 1, "its record is one write")
    let again = try strace.run(
      program, [], environment: environment, killedAt: try #require(writes.first))
    #expect(again.status == 128 + SIGKILL)
    #expect(host.journalSize == after)
  }
}
