import Foundation

/// Whether everything is tried, as `make torture` has it, and not a choice of it.
let isThorough = ProcessInfo.processInfo.environment["TORTURE"] == "all"

/// Something that a test set up did not come off.
struct Failure: Error, CustomStringConvertible { let description: String }
