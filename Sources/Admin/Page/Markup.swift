import Support
import Ledger

/// A piece of HTML. What stands in its literals is taken as it is; whatever is put in between is
/// text, and escaped.
///
/// Names are chosen by strangers, and there is no way to put one into a page but through here.
struct Markup: ExpressibleByStringInterpolation {
  /// The HTML.
  let html: String

  /// A piece that is written down in the program.
  init(stringLiteral html: String) { self.html = html }

  init(stringInterpolation: Interpolation) { html = stringInterpolation.html }

  private init(html: String) { self.html = html }

  /// Pieces one behind the other, each on a line of its own.
  init(_ pieces: [Markup]) { self.init(html: pieces.map(\.html).joined(separator: "\n")) }

  /// Collects the parts of a literal.
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
