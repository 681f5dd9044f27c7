import Foundation
import System
import TestSupport

/// Measures the programs in `QUOTA_PROGRAMS` beside what an operator would use instead, and writes
/// the page; of one part alone it only prints what it measured, and with `--record` puts its sections into
/// the page.
///
///     quota-bench [--record] PAGE [PART]
///
/// Exits 1, and leaves the page as it was, where an instruction count is more than five per cent
/// above the one on the page; with `--record` the new counts of all parts are taken as they are. A part that cannot
/// be measured is told of, on the page too, and the others are measured all the same.
@main struct QuotaBench {
  /// What can be measured, in the order of the page. `past` takes a quarter of an hour and `centre` fills
  /// five million rows: they are measured only by their names. The section of the page for the first stays
  /// until then; what the second measures is for docs/hosts.md.
  private enum Part: String, CaseIterable {
    case hooks, growth, sweeps, aged, changes, hosts, year, fence, past, centre, package

    func measure(into report: BenchReport) throws {
      switch self {
      case .hooks: try HookCosts.measure(into: report)
      case .growth: try HookGrowth.measure(into: report)
      case .sweeps: try SweepCosts.measure(into: report)
      case .aged: try AgedCosts.measure(into: report)
      case .changes: try ChangeCosts.measure(into: report)
      case .hosts: try HostCosts.measure(into: report)
      case .year: try YearCosts.measure(into: report)
      case .fence: try FenceCosts.measure(into: report)
      case .past: try PastQuota.measure(into: report)
      case .centre: try CentreGrowth.measure(into: report)
      case .package: try PackageCosts.measure(into: report)
      }
    }
  }

  static func main() {
    let status: Int32
    do { status = try run(Array(CommandLine.arguments.dropFirst())) } catch {
      print("quota-bench: error: \(error)")
      status = 70
    }
    exit(status)
  }

  /// - Returns: the exit status.
  private static func run(_ words: [String]) throws -> Int32 {
    let records = words.first == "--record"
    let words = records ? Array(words.dropFirst()) : words
    let parts =
      words.count == 2
      ? [Part(rawValue: words[1])].compactMap(\.self)
      : Part.allCases.filter { ![.past, .centre].contains($0) }
    guard let page = words.first, words.count <= 2, !parts.isEmpty else {
      let names = Part.allCases.map(\.rawValue).joined(separator: "|")
      print("usage: quota-bench [--record] PAGE [\(names)]")
      return 64
    }
    let report = BenchReport()
    for part in parts {
      print("measuring \(part)")
      let start = Clock.monotonic
      do { try part.measure(into: report) } catch { report.leaveOut("\(part)", for: "\(error)") }
      print("measured \(part) in \((Clock.monotonic - start).components.seconds) s")
    }
    print(report.text)
    let regressions = records ? [] : try RecordedCounts(page: page).regressions(in: report.counts)
    for regression in regressions { print("regression: \(regression)") }
    if regressions.isEmpty, words.count == 1 || records {
      let before = try? String(contentsOfFile: page, encoding: .utf8)
      let text =
        words.count == 1
        ? try report.page(on: Machine(), keeping: PastQuota.title, of: before)
        : report.put(into: before ?? "")
      try text.write(toFile: page, atomically: true, encoding: .utf8)
      print("wrote \(page)")
    }
    return regressions.isEmpty && report.isWhole ? 0 : 1
  }
}
