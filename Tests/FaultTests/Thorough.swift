import Foundation

/// Whether everything is tried, as `make torture` has it, and not a choice of it.
let isThorough = ProcessInfo.processInfo.environment["TORTURE"] == "all"

/// Something that a test set up did not come off.
struct Failure: Error, CustomStringConvertible { let description: String }

/// Writes a line to standard output at once: a thorough run takes long, and a person may be waiting.
func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
