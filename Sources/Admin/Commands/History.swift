import ArgumentParser
import Support
import Ledger
import System
import Quota
import SQLite

struct History: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a user used in each period.",
    discussion: """
      A period marked with ~ is estimated: nothing had been counted for so long that usage was \
      divided in proportion to time.

      Example: quota-admin history alice
      """)

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var user: NameArgument

  func run() throws {
    let name = try UserName(argument: user.name)
    let administration = try Administration(options)
    let now = Clock.now
    _ = try administration.user(named: name, at: now)
    let periods = try administration.read { ledger in
      try ledger.periods(of: name, at: now)
    }
    try StandardOutput.write(
      output.json ? json(periods) : table(periods, administration.settings))
  }

  private func table(_ periods: [PeriodRecord], _ settings: Settings) -> [UInt8] {
    var table = Table([
      .init("FROM"), .init("TO"), .init("DOWNLOAD", isNumeric: true),
      .init("UPLOAD", isNumeric: true), .init("USED", isNumeric: true),
      .init("QUOTA", isNumeric: true), .init("GRANTED", isNumeric: true),
    ])
    for period in periods {
      let (span, zone) = (period.span, settings.zone)
      let used = ByteSize.format(settings.rules.count.bytes(of: period.used))
      let granted = saturatingSum(period.granted ?? 0, period.taken)
      table.add([
        span.start == 0 ? "-" : words(forTime: span.start, in: zone),
        period.isPresent ? "now" : span.end == .max ? "-" : words(forTime: span.end, in: zone),
        ByteSize.format(period.used.sent), ByteSize.format(period.used.received),
        period.isEstimated ? "~\(used)" : used, period.quota.map(words(forQuota:)) ?? "-",
        granted == 0 ? "-" : ByteSize.format(granted),
      ])
    }
    return table.text()
  }

  private func json(_ periods: [PeriodRecord]) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.array("periods") { json in
        for period in periods { json.object { $0.fields(of: period) } }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }
}

extension JSONWriter {
  /// The fields of a period, as quota-admin(8) documents them.
  fileprivate mutating func fields(of period: PeriodRecord) {
    field("start", period.span.start == 0 ? nil : isoTime(period.span.start))
    field("end", period.span.end == .max ? nil : isoTime(period.span.end))
    field("present", period.isPresent)
    field("bytes_received", period.used.received)
    field("bytes_sent", period.used.sent)
    field("quota_bytes", period.quota)
    field("granted_bytes", period.granted)
    field("carried_bytes_used", period.taken)
    field("estimated", period.isEstimated)
  }
}
