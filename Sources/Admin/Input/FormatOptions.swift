import ArgumentParser

/// The choice between text for people, and JSON or CSV for programs.
struct FormatOptions: ParsableArguments {
  @Flag(help: "Write JSON, with amounts in bytes.")
  var json = false
  @Flag(help: "Write CSV, with amounts in bytes.")
  var csv = false

  /// The choice as a value; text for people where nothing was chosen.
  var format: Format { json ? .json : csv ? .csv : .text }

  func validate() throws {
    if json && csv { throw ValidationError("Only one of --json and --csv can be written.") }
  }

  /// How a report is written.
  enum Format { case text, json, csv }
}
