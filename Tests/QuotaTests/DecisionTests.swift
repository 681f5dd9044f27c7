import Quota
import Testing

/// One line of the table: what is known, and what follows.
struct Case: Sendable, CustomTestStringConvertible {
  let name: String
  let standing: Standing?
  var rules = Rules()
  let verdict: Verdict
  var testDescription: String { name }
}

@Test(arguments: [
  Case(
    name: "no quota, much used", standing: Standing(used: Traffic(sent: .max)), verdict: .allowed),
  Case(
    name: "one byte under", standing: Standing(quota: 100, used: Traffic(received: 40, sent: 59)),
    verdict: .allowed),
  Case(
    name: "exactly used up", standing: Standing(quota: 100, used: Traffic(received: 40, sent: 60)),
    verdict: .refused(.quota)),
  Case(
    name: "over by overflow",
    standing: Standing(quota: .max, used: Traffic(received: .max, sent: 1)),
    verdict: .refused(.quota)),
  Case(
    name: "only upload counts",
    standing: Standing(quota: 100, used: Traffic(received: 99, sent: 1000)),
    rules: Rules(count: .received), verdict: .allowed),
  Case(
    name: "only download counts",
    standing: Standing(quota: 100, used: Traffic(received: 1000, sent: 100)),
    rules: Rules(count: .sent), verdict: .refused(.quota)),
  Case(
    name: "disabled without a quota", standing: Standing(isEnabled: false),
    verdict: .refused(.disabled)),
  Case(
    name: "disabled and over says disabled",
    standing: Standing(isEnabled: false, quota: 1, used: Traffic(sent: 2)),
    verdict: .refused(.disabled)),
  Case(name: "stranger, allowed", standing: nil, verdict: .allowed),
  Case(
    name: "stranger, ignored", standing: nil, rules: Rules(unknownUsers: .ignore),
    verdict: .allowed),
  Case(
    name: "stranger, rejected", standing: nil, rules: Rules(unknownUsers: .reject),
    verdict: .refused(.unknown)),
])
func `who may be in follows from standing and rules`(line: Case) {
  #expect(decide(line.standing, at: 0, by: line.rules) == line.verdict)
}

@Test func `counters that fall give nothing back`() {
  let known = Traffic(received: 10, sent: 20)
  #expect(Traffic(received: 4, sent: 25).increase(over: known) == Traffic(received: 0, sent: 5))
  #expect(Traffic().increase(over: known).isZero)
  #expect(known.raised(to: Traffic(received: 4, sent: 25)) == Traffic(received: 10, sent: 25))
}

@Test func `sums stop at the largest number there is`() {
  let full = Traffic(received: .max, sent: .max - 1)
  #expect(full + Traffic(received: 1, sent: 1) == Traffic(received: .max, sent: .max))
  #expect(full.total == .max)
}
