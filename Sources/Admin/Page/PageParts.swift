import Ledger
import Quota
import Support
import System

/// A piece of HTML. What stands in its literals is taken as it is; whatever is put in between is
/// text, and escaped.
///
/// Names are chosen by strangers, and there is no way to put one into a page but through here.
struct Markup: ExpressibleByStringInterpolation {
  let html: String

  init(stringLiteral html: String) { self.html = html }

  init(stringInterpolation: Interpolation) { html = stringInterpolation.html }

  private init(html: String) { self.html = html }

  /// Pieces one behind the other, each on a line of its own.
  init(_ pieces: [Markup]) { self.init(html: pieces.map(\.html).joined(separator: "\n")) }

  struct Interpolation: StringInterpolationProtocol {
    fileprivate var html = ""

    init(literalCapacity: Int, interpolationCount: Int) {
      html.reserveCapacity(literalCapacity + interpolationCount * 16)
    }

    mutating func appendLiteral(_ literal: String) { html += literal }

    /// A text from anywhere.
    mutating func appendInterpolation(_ text: String) { html += Markup.escaped(text) }

    mutating func appendInterpolation(_ number: Int) { html += String(number) }

    /// HTML that has been made here.
    mutating func appendInterpolation(_ markup: Markup) { html += markup.html }

    /// A number with a decimal point, as CSS and SVG read it.
    mutating func appendInterpolation(decimal number: Double) {
      let hundredths = Int((number * 100).rounded())
      html += "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }

    /// A user's name. It keeps its direction of writing to itself, and what could do harm on a
    /// terminal is no more welcome on a page.
    mutating func appendInterpolation(_ name: UserName) {
      html += "<bdi>\(Markup.escaped(name.forPeople))</bdi>"
    }

    /// The name of a user who may have been removed.
    mutating func appendInterpolation(_ owner: Owner?) {
      if let name = owner?.name { appendInterpolation(name) }
      if owner?.isRemoved != false { html += " <i>removed</i>" }
    }
  }

  private static func escaped(_ text: String) -> String {
    var html = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": html += "&amp;"
      case "<": html += "&lt;"
      case ">": html += "&gt;"
      case "\"": html += "&quot;"
      case "'": html += "&#39;"
      default: html.unicodeScalars.append(scalar)
      }
    }
    return html
  }
}

// What pages are made of.

extension Page {
  /// How many lines a table has before the rest is only counted.
  static let longest = 25

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

  static func section(_ title: String, _ content: Markup) -> Markup {
    """
    <section>
    <h2>\(title)</h2>
    \(content)
    </section>
    """
  }

  static func tile(_ label: String, _ figure: String, _ detail: Markup) -> Markup {
    """
    <div class="tile"><h2>\(label)</h2><p class="figure">\(figure)</p><p>\(detail)</p></div>
    """
  }

  static func chart(_ title: String, _ days: [UsagePoint], _ words: Words) -> Markup {
    if days.isEmpty { return section(title, "<p>Nothing was moved.</p>") }
    return section(
      title,
      """
      <p class="legend"><span class="key down"></span>download \
      <span class="key up"></span>upload</p>
      \(DayChart(days: days, words: words).markup)
      """)
  }

  /// A bar in a table, of a share from 0 to 1.
  static func meter(_ share: Double, _ ink: Markup) -> Markup {
    """
    <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">\
    <rect class="track" width="100" height="10"/>\
    <rect class="\(ink)" width="\(decimal: min(share, 1) * 100)" height="10"/></svg>
    """
  }
}

/// A table of the page: of each column the heading, the class, and what is in its cells.
struct PageTable<Row> {
  var columns: [(heading: Markup, style: Markup, cell: (Row) -> Markup)]

  func markup(_ rows: [Row], _ what: String) -> Markup {
    let head = columns.map { cell("th", $0.style, $0.heading) }
    let body = rows.prefix(Page.longest).map { row in
      line(columns.map { cell("td", $0.style, $0.cell(row)) })
    }
    return """
      <table>
      <thead>\(line(head))</thead>
      <tbody>
      \(Markup(body))
      </tbody>
      </table>
      \(Page.remainder(rows.count - Page.longest, what))
      """
  }

  private func line(_ cells: [Markup]) -> Markup {
    "<tr>\(cells.reduce("") { "\($0)\($1)" as Markup })</tr>"
  }

  private func cell(_ tag: Markup, _ style: Markup, _ content: Markup) -> Markup {
    style.html.isEmpty
      ? "<\(tag)>\(content)</\(tag)>" : "<\(tag) class=\"\(style)\">\(content)</\(tag)>"
  }
}
