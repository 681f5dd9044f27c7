import Quota

/// A bar for each day, download below and upload on top of it, as inline SVG.
///
/// The drawing stretches with the page, so all its text stands beside it in HTML, where it keeps
/// its size on a phone.
struct DayChart {
  let days: [UsagePoint]
  let words: Words

  /// A chart is never drawn with fewer days than this, so that a bar is never as wide as the page.
  private static let fewest = 14

  private var slots: Int { max(days.count, DayChart.fewest) }
  /// Whether the bars are so narrow that a gap between them would only flicker.
  private var isDense: Bool { slots > 90 }

  var markup: Markup {
    let axis = Axis(upTo: days.map(\.traffic.total).max() ?? 0, in: words.units)
    let lines = Markup(axis.ticks.map { line(at: axis.height(of: $0)) })
    let bars = Markup(days.indices.map { bar($0, axis) })
    let labels = Markup(axis.ticks.map { label($0, at: axis.height(of: $0)) })
    return """
      <div class="chart">
      <div class="plot\(isDense ? " dense" : "")">
      <svg viewBox="0 0 \(slots) 100" preserveAspectRatio="none" role="img" \
      aria-label="Bytes moved on each day">
      \(lines)
      \(bars)
      </svg>
      \(labels)
      </div>
      <div class="dates">
      \(Markup(dates))
      </div>
      </div>
      """
  }

  private func line(at height: Double) -> Markup {
    """
    <line x1="0" x2="\(slots)" y1="\(decimal: 100 - height)" y2="\(decimal: 100 - height)"/>
    """
  }

  private func label(_ amount: Int64, at height: Double) -> Markup {
    """
    <span class="tick" style="bottom:\(decimal: height)%">\(words.size(amount))</span>
    """
  }

  private func bar(_ index: Int, _ axis: Axis) -> Markup {
    let point = days[index]
    let down = axis.height(of: point.traffic.sent)
    let up = axis.height(of: point.traffic.total) - down
    let (left, width) = isDense ? (0.0, 1.0) : (0.1, 0.8)
    let place: Markup = """
      x="\(decimal: Double(index) + left)" width="\(decimal: width)"
      """
    return """
      <g><title>\(point.start.description): \(words.size(point.traffic.sent)) down, \
      \(words.size(point.traffic.received)) up</title>\
      <rect class="all" x="\(index)" width="1" y="0" height="100"/>\
      <rect class="down" \(place) y="\(decimal: 100 - down)" height="\(decimal: down)"/>\
      <rect class="up" \(place) y="\(decimal: 100 - down - up)" height="\(decimal: up)"/></g>
      """
  }

  /// Six dates under the days they belong to, every other one of which a phone leaves out.
  private var dates: [Markup] {
    (0..<6).compactMap { number in
      let index = (2 * number + 1) * slots / 12
      guard days.indices.contains(index) else { return nil }
      let place = (Double(index) + 0.5) / Double(slots) * 100
      let rank: Markup = number % 2 == 0 ? "first" : "other"
      return """
        <span class="\(rank)" style="left:\(decimal: place)%">\(Page.date(days[index].start))</span>
        """
    }
  }
}

struct Axis {
  /// The amounts that have a line, 0 left out, the largest at the top of the chart.
  let ticks: [Int64]

  /// A scale of two to five lines, each a round number of some unit.
  init(upTo largest: Int64, in units: ByteUnits) {
    let largest = max(largest, 1)
    var (unit, factor): (Int64, Int64) = (1, 1)
    while largest / 4 >= unit * factor, unit * factor < 1 << 60 {
      switch factor {
      case 500: (unit, factor) = (unit * Int64(units.base), 1)
      case 2, 20, 200: factor = factor / 2 * 5
      default: factor *= 2
      }
    }
    let step = unit * factor
    ticks = (1...min(largest / step + 1, Int64.max / step)).map { $0 * step }
  }

  /// How high an amount reaches, 0 to 100.
  func height(of amount: Int64) -> Double { share(amount, of: ticks.last ?? 1) * 100 }
}
