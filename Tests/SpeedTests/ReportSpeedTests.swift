import Foundation
import TestSupport
import Testing

/// How long reports take on a large ledger, in seconds of the processor: what else the machine does
/// meanwhile hardly changes them.
@Suite(.serialized, .printsFigures, .onReleasePrograms)
struct ReportSpeedTests {
  @Test func `reports on 5 000 users with a year of days take less than two seconds`() throws {
    try requireReleasePrograms()
    let folder = try TemporaryDirectory()
    let settings = [
      "QUOTA_CONFIG": "/dev/null", "DATABASE": folder.path + "/quota.db", "TIME_ZONE": "UTC",
    ]
    let admin = Program.path("quota-admin")
    #expect(try Program.run(admin, ["list"], environment: settings).status == 0)
    let probe = LedgerProbe(folder.path + "/quota.db")
    try ManyUsers.fill(probe, users: 5000, days: 365)
    #expect(try probe.count(.history) == 1_825_000)
    let page = folder.path + "/page.html"
    for command in [
      ["report", "--html", page, "--since", "365d"], ["report", "--html", page],
      ["usage", "--by", "month", "--since", "365d"], ["top", "--since", "365d"], ["metrics"],
    ] {
      let outcome = try Program.run(
        "/usr/bin/time", ["--format=%U %S", admin] + command, environment: settings)
      #expect(outcome.status == 0)
      let times = outcome.errors.split { $0 == " " || $0 == "\n" }.compactMap { Double($0) }
      try #require(times.count == 2)
      let what = command.filter { $0 != page }.joined(separator: " ")
      Figures.current.add("quota-admin \(what), seconds", ratio: times[0] + times[1], atMost: 2)
      #expect(times[0] + times[1] < 2)
    }
    let text = try String(contentsOfFile: page, encoding: .utf8)
    #expect(text.contains("and 4\u{202F}975 more users"))
  }
}
