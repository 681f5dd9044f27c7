import ArgumentParser
import Ledger
import Quota
import System

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
    let administration = try Administration(options)
    let words = administration.words
    let name = try administration.user(user.userName()).name
    let periods = try administration.ledger.periods.all(of: name, at: Clock.now)
    let listing = Listing(
      "periods", periods,
      [
        .time("FROM", key: "start") { $0.span.start == 0 ? nil : $0.span.start },
        .time(key: "end") { $0.span.end == .max ? nil : $0.span.end },
        .text("TO") { period in
          period.isPresent ? "now" : period.span.end == .max ? nil : words.time(period.span.end)
        },
        .flag(key: "present") { $0.isPresent },
        .traffic { $0.used },
        .text(.number("USED")) { period in
          let used = words.size(words.rules.count.bytes(of: period.used))
          return period.isEstimated ? "~\(used)" : used
        },
        .size(key: "quota_bytes") { $0.quota },
        .text(.number("QUOTA")) { $0.quota.map(words.quota) },
        .size(key: "granted_bytes") { $0.granted },
        .size(key: "carried_bytes_used") { $0.taken },
        .size("GRANTED") { period in
          let granted = saturatingSum(period.granted ?? 0, period.taken)
          return granted == 0 ? nil : granted
        },
        .flag(key: "estimated") { $0.isEstimated },
      ])
    try listing.write(as: output.format, words)
  }
}
