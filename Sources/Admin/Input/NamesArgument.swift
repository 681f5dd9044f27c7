import ArgumentParser
import Ledger
import System

/// The users a command is about, one or several.
struct NamesArgument: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "The users' names; - reads names from standard input, one a line.", valueName: "name"),
    completion: .userNames)
  var names: [String]

  /// The names in their order, each once.
  ///
  /// - Throws: `CommandError`, 65, for one that is none.
  func userNames() throws -> [UserName] {
    var all: [UserName] = []
    for argument in names {
      all += argument == "-" ? try NamesArgument.fromInput() : [try UserName(argument: argument)]
    }
    var seen: Set<UserName> = []
    return all.filter { seen.insert($0).inserted }
  }

  /// The lines of standard input; empty ones do not count.
  private static func fromInput() throws -> [UserName] {
    let input = try Descriptor.standardInput.readToEnd(of: "standard input", limit: 1 << 28)
    return try input.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let name = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      return name.isEmpty ? nil : try UserName(checked: Array(name))
    }
  }
}
