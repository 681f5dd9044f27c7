import TestSupport
import Testing

@Suite struct StormTests {
  @Test
  func `Four servers' hooks at once, with sweeps, rotations, backups and imports, lose nothing`()
    throws
  {
    let storm = try Storm(servers: 4)
    try storm.prepare()
    let (runs, errors) = storm.rage()
    #expect(errors == [])
    #expect(runs.count == 4, "\(runs)")
    let waits = try storm.waits
    try storm.sweep()
    try storm.stage.expectTruth()
    #expect(try storm.probe.faults() == [])
    let finished = try storm.servers.map { try $0.finished.count }
    #expect(finished.allSatisfy { $0 == Storm.departures })
    #expect(waits.hooks == 4 * (Storm.arrivals + Storm.departures))
    #expect(waits.calls == [], "a hook waits for nothing")
    #expect(try !storm.probe.events.contains { $0.at <= 20_000 }, "it was pruned")
    #expect(try storm.probe.names.count { $0.hasPrefix("import") } == Storm.imports)
    let figures = Figures()
    figures.add("hooks", waits.hooks)
    for (program, count) in runs.sorted(by: { $0.key < $1.key }) { figures.add(program, count) }
    say(figures.table)
  }
}
