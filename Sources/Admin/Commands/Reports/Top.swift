import ArgumentParser
import Ledger
import Quota
import System

struct Top: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show who moved the most.",
    discussion: "Example: quota-admin top -n 5 --since yesterday")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: FormatOptions
  @OptionGroup var limit: LimitOption
  @OptionGroup var window: WindowOptions
  @OptionGroup var hosts: HostsOption

  func run() throws {
    let administration = try Administration(options)
    let (ledger, words) = (administration.ledger, administration.words)
    let window = try window.window(ofDays: 30, now: Clock.now, in: words.zone)
    let count = words.rules.count
    let movers =
      hosts.allHosts
      ? try AllHosts(administration).sums(in: window.days).movers(by: count)
      : try ledger.snapshot {
        Mover.ranked(
          try ledger.usage.sums(in: window.days).byUser, try ledger.users.owners(), by: count)
      }
    let total = count.bytes(of: movers.reduce(Traffic()) { $0 + $1.traffic })
    var listing = Listing(
      "top", Array(movers.prefix(limit.limit ?? 10)),
      [
        .text("USER") { Words.owner($0.owner) },
        .user { $0.owner?.name },
        .traffic { $0.traffic },
        .counted(count) { $0.traffic },
        .text(.number("SHARE")) {
          "\(Int(share(count.bytes(of: $0.traffic), of: total) * 100))%"
        },
      ])
    if hosts.allHosts { listing.about = [HostsOption.about] }
    listing.bar = { count.bytes(of: $0.traffic) }
    listing.ifEmpty = Words.noUsage
    try listing.write(as: output.format, words)
  }
}

/// A user who moved something.
struct Mover {
  /// Nil where history has no name any more.
  let owner: Owner?
  let traffic: Traffic

  /// Users by what counts of their traffic, the most first.
  ///
  /// - Parameter usage: by the users' numbers.
  static func ranked(
    _ usage: [Int64: Traffic], _ owners: [Int64: Owner], by count: Count
  ) -> [Mover] {
    usage.sorted { left, right in
      let (more, less) = (count.bytes(of: left.value), count.bytes(of: right.value))
      return more == less ? left.key < right.key : more > less
    }.map { Mover(owner: owners[$0.key], traffic: $0.value) }
  }
}
