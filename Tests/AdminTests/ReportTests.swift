import Foundation
import TestSupport
import Testing

@Suite struct `Reports` {
  /// The ledger of the transcripts.
  private func bench() throws -> Bench {
    let bench = try Bench()
    try bench.admin("list")
    try TranscriptLedger.fill(bench.probe)
    return bench
  }

  private static let commands = [
    ["usage"], ["usage", "--by", "session"], ["usage", "--by", "server"], ["top"], ["events"],
  ]

  @Test func `have the fields of the manual and no others`() throws {
    let bench = try bench()
    var fields: Set<String> = []
    for command in Self.commands {
      let outcome = try bench.run(command + ["--json", "--since", "2026-11-01"])
      #expect(outcome.isFine)
      fields.formUnion(outcome.output.matches(of: /"([a-z_]+)":/).map { String($0.output.1) })
    }
    let sections = try `The manual`.page().components(separatedBy: "\n.Ss ")
    let section = try #require(sections.first { $0.hasPrefix("Reports\n") })
      .components(separatedBy: "\n.Sh ")[0]
    let documented = sections[0] + section
    let known = Set(documented.matches(of: /\n\.(?:It )?Li ([a-z_]+)/).map { String($0.output.1) })
    #expect(!fields.isEmpty && fields.isSubset(of: known))
    let promised = section.matches(of: /\n\.It Li ([a-z_]+)/).map { String($0.output.1) }
    #expect(Set(promised).isSubset(of: fields))
  }

  @Test(arguments: commands) func `are the same in JSON and in CSV`(command: [String]) throws {
    let bench = try bench()
    let window = ["--since", "2026-10-01", "--until", "2026-11-23"]
    let json = try bench.run(command + window + ["--json"]).output
    let csv = try bench.run(command + window + ["--csv"]).output
    let rows = csv.components(separatedBy: "\r\n").dropLast()
    #expect(rows.count > 1 && rows.count - 1 == json.split(separator: "\n").count - 1)
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    let list = try #require(object?[command[0]] as? [[String: Any]])
    #expect(Set(list[0].keys) == Set(rows[0].components(separatedBy: ",")))
  }

  @Test func `tell of now if nothing is said of the time`() throws {
    let bench = try bench()
    try bench.probe.clearHistory()
    for (days, received, sent) in [(0, 1, 2), (29, 3, 4), (31, 5, 6)] as [(Int64, Int64, Int64)] {
      try bench.probe.addHistory(
        Usage(received: received, sent: sent), of: "alice", daysAgo: days)
    }
    // The day may end between the two commands.
    let usage = try bench.run(["usage", "--csv"]).output.components(separatedBy: "\r\n").dropLast()
    #expect(30...31 ~= usage.count - 1)
    #expect(
      usage.contains { $0.hasSuffix(",1,2,3") } && !usage.contains { $0.hasSuffix(",5,6,11") })
    #expect(try bench.run(["top", "--csv"]).output.contains("alice,,4,6,10\r\n"))
  }

  @Test func `add up to the largest number there is and no further`() throws {
    let bench = try bench()
    try bench.probe.setHistory(Usage(received: .max, sent: .max), on: "2026-11-22")
    try bench.probe.setSessionsSent(.max)
    for command in Self.commands {
      let outcome = try bench.run(command + ["--json", "--since", "2026-11-01"])
      #expect(outcome.isFine)
      #expect(outcome.output.contains("\(Int64.max)") == (command != ["events"]))
      #expect(try bench.run(command + ["--since", "2026-11-01"]).isFine)
    }
  }

  @Test func `survive days that no calendar has`() throws {
    let bench = try bench()
    for start in [Int64.min, -1, Int64.max - 1, .max] {
      try bench.probe.addHistory(Usage(received: 1, sent: 1), of: "alice", inHour: start)
    }
    try bench.probe.addHistory(Usage(received: 7), of: "bob", on: "9999-12-31")
    for step in ["day", "week", "month", "hour"] {
      for window in [
        ["--since", "2026-11-01", "--until", "2026-11-22"], ["--since", "0001-01-01"],
      ] {
        #expect(try bench.run(["usage", "--by", step] + window).isFine)
      }
    }
    #expect(
      try bench.run(["usage", "bob", "--since", "9999-12-31", "--csv"]).output.contains(",7,0,7"))
  }

  @Test(arguments: ["UTC", "Asia/Kathmandu"])
  func `survive times at the edges of what a number can be`(zone: String) throws {
    let bench = try bench()
    bench.settings["TIME_ZONE"] = zone
    for (number, time) in [Int64.min, .min + 1, -1, .max - 1, .max].enumerated() {
      let end = number % 2 == 0 ? Int64.max : nil
      try bench.probe.add(
        LedgerProbe.Session(
          user: "alice", server: "home", connectedSince: time, address: "10.8.1.\(number)",
          usage: Usage(received: 1, sent: 1), endedAt: end, endedBy: end.map { _ in "hook" }))
      try bench.probe.add(
        LedgerProbe.Event(at: time, user: "alice", kind: "killed", detail: "x", lastAt: time))
      try bench.probe.addPeriod(of: "bob", from: time, to: .max - Int64(number), carried: 0)
    }
    try bench.probe.setExpiry(of: "alice", .max)
    try bench.probe.setPeriodStart(of: "bob", .max)
    let page = bench.folder.path + "/page.html"
    for command in [
      ["usage", "--by", "session"], ["usage", "--by", "server"], ["usage", "--by", "hour"],
      ["usage", "--by", "day"], ["top"], ["events"], ["list"], ["show", "alice"], ["show", "bob"],
      ["history", "bob"], ["sessions"], ["grants", "bob"], ["export", "--csv"], ["metrics"],
      ["report", "--html", page],
    ] {
      let takesTime = ["usage", "top", "events", "report"].contains(command[0])
      for options in [[], ["--json"]] + (takesTime ? [["--since", "0001-01-01"]] : []) {
        if options == ["--json"], ["export", "metrics", "report"].contains(command[0]) { continue }
        let outcome = try bench.run(command + options)
        // What is empty says how to fill it.
        let isFine = outcome.errors.isEmpty || outcome.errors.hasPrefix("quota-admin: notice: ")
        #expect(outcome.status == 0 && isFine, "\(command + options): \(outcome.errors)")
      }
    }
  }

  @Test func `keep what a removed user moved`() throws {
    let bench = try bench()
    bench.settings["UNITS"] = nil
    #expect(try bench.run(["remove", "alice", "--yes"]).status == 0)
    let window = ["--since", "2026-11-20", "--until", "2026-11-20"]
    #expect(try bench.run(["top"] + window).output.contains("alice (removed)      2 GB"))
    #expect(try bench.run(["top", "--csv"] + window).output.contains("\r\nalice,,250000000,"))
    #expect(try bench.run(["usage"] + window).output.contains("2026-11-20      2 GB"))
  }
}

extension Bench {
  /// Runs the real program with a bare environment.
  func run(_ arguments: [String]) throws -> Outcome {
    try Program.run(Program.path("quota-admin"), arguments, environment: settings)
  }
}
