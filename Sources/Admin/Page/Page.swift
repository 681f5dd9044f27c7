import Support
import System
import Quota

/// The report as one HTML page that needs nothing else: no script, no font, no picture, no network.
struct Page {
  let overview: Overview
  /// The name of this machine.
  let host: String

  var words: Words { overview.words }

  /// How many lines a table has before the rest is only counted.
  static let longest = 25

  var bytes: [UInt8] { Array(document.html.utf8) }

  private var document: Markup {
    Page.document(
      title: "VPN traffic of \(host), \(period)",
      heading: "VPN traffic of <bdi>\(host)</bdi>", subheading: "\(period)",
      """
      \(tiles)
      \(Page.chart("Usage per day", overview.days, words))
      \(top)
      \(near)
      \(over)
      \(incidents)
      """, at: overview.now, words)
  }

  /// A whole page. The browser is told as well that nothing on it may run or be fetched, and search
  /// engines that it is none of theirs.
  ///
  /// - Parameter time: what it is as of, in seconds since 1970 in UTC.
  static func document(
    title: Markup, heading: Markup, subheading: Markup, _ main: Markup, at time: Int64,
    _ words: Words
  ) -> Markup {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" \
    content="default-src 'none'; style-src 'unsafe-inline'">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="robots" content="noindex">
    <title>\(title)</title>
    <style>
    \(PageStyle.sheet)
    </style>
    </head>
    <body>
    <header>
    <h1>\(heading)</h1>
    <p>\(subheading)</p>
    </header>
    <main>
    \(main)
    </main>
    <footer>
    <p>As of \(words.time(time)), by quota-admin \
    \(System.version). Bytes are what OpenVPN counts on the link; \(unitRule(words)). \
    \(countRule(words))</p>
    </footer>
    </body>
    </html>

    """
  }

  /// What the page is about, in dates.
  private var period: String {
    let window = overview.window
    let (first, last) = (
      window.days.lowerBound,
      max(window.days.lowerBound, min(window.days.upperBound, window.newest))
    )
    return first == last
      ? Page.date(first, withYear: true)
      : "\(Page.date(first, withYear: true)) to \(Page.date(last, withYear: true))"
  }

  private static func unitRule(_ words: Words) -> String {
    words.units == .decimal ? "1 GB is 1000 MB" : "1 GiB is 1024 MiB"
  }

  private static func countRule(_ words: Words) -> String {
    switch words.rules.count {
    case .total: "Quotas count both directions."
    case .sent: "Quotas count downloads only."
    case .received: "Quotas count uploads only."
    }
  }

  /// A date for people: `24 Nov`, `24 Nov 2026`.
  static func date(_ day: Day, withYear: Bool = false) -> String {
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    let (year, month, number) = day.civil
    return "\(number) \(months[Int(month) - 1])" + (withYear ? " \(year)" : "")
  }

  /// A number with its thousands apart: `5 000`.
  static func grouped(_ number: some BinaryInteger) -> String {
    var digits = Array(String(number))
    var index = digits.count - 3
    while index > 0, digits[index - 1] != "-" {
      digits.insert("\u{202F}", at: index)
      index -= 3
    }
    return String(digits)
  }

  /// What is left out of a table that would be too long.
  static func remainder(_ count: Int, _ what: String) -> Markup {
    count > 0
      ? """
      <p class="more">and \(grouped(count)) more \(what)</p>
      """ : ""
  }
}
