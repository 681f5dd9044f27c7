import ArgumentParser
import Glibc
import System
import Sweep

struct Sessions: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show who is on now, and how fast.",
    discussion: "Example: quota-admin sessions --watch")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions
  @Flag(help: "Show it anew every two seconds, until Ctrl-C.")
  var watch = false

  func validate() throws {
    if watch, output.json { throw ValidationError("Only one of --watch and --json makes sense.") }
  }

  func run() throws {
    let administration = try Administration(options)
    if watch { return try watch(administration) }
    let view = try LiveView.take(administration.settings, administration.ledger)
    let sessions = try SessionsOutput(view, administration)
    try StandardOutput.write(output.json ? sessions.json() : sessions.text())
  }

  /// Every view is asked for over connections of its own: in between nobody is kept waiting.
  private func watch(_ administration: Administration) throws {
    guard Terminal.isOutput else {
      throw CommandError("--watch needs a terminal", exitStatus: .usage)
    }
    var earlier: (view: LiveView, at: Duration)?
    while true {
      let now = Clock.monotonic
      var view = try LiveView.take(administration.settings, administration.ledger)
      if let earlier { view = view.since(earlier.view, now - earlier.at) }
      let text = try SessionsOutput(view, administration).text(height: Terminal.height)
      try StandardOutput.write(Sessions.frame(text))
      earlier = (view, now)
      sleep(2)
    }
  }

  /// A screen full of text: from the top, each line to its end, and nothing below.
  private static func frame(_ text: [UInt8]) -> [UInt8] {
    var frame = Array("\u{1B}[H".utf8)
    for byte in text {
      if byte == UInt8(ascii: "\n") { frame += "\u{1B}[K".utf8 }
      frame.append(byte)
    }
    return frame + "\u{1B}[J".utf8
  }
}
