import Foundation
import System

/// What it costs to run a program from its start to its end.
package struct Gauge {
  /// The words to put before the program's command line.
  package let prefix: [String]
  private let folder: TemporaryDirectory
  private let mark: String

  /// Counts the processor's instructions, which no other load on the machine changes (callgrind).
  package static func instructions() throws -> Gauge {
    try Gauge(mark: "Collected :") { file in
      [
        "/usr/bin/valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
        "--log-file=\(file).%p",
      ]
    }
  }

  /// Measures the memory that was in use at most, in bytes (GNU time).
  package static func residentBytes() throws -> Gauge {
    try Gauge(mark: "kilobytes:") { file in
      ["/usr/bin/time", "--append", "--output=\(file)", "--format=kilobytes:%M"]
    }
  }

  private init(mark: String, prefix: (String) -> [String]) throws {
    folder = try TemporaryDirectory()
    self.mark = mark
    self.prefix = prefix(folder.path + "/measured")
  }

  /// The figures of all programs that ran with the prefix since this was last asked.
  package func take() throws -> [Int] {
    var figures: [Int] = []
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      let file = folder.path + "/" + name
      let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
      for line in lines {
        guard let range = line.range(of: mark) else { continue }
        guard let figure = Int(line[range.upperBound...].filter(\.isNumber)) else { continue }
        figures.append(mark.hasPrefix("kilobytes") ? figure * 1024 : figure)
      }
      try FileManager.default.removeItem(atPath: file)
    }
    return figures
  }

  /// Runs a program to its end and gives the figure.
  ///
  /// - Parameter environment: the program's whole environment.
  /// - Returns: the figure, and how the program ended.
  package func run(
    _ program: String, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> (figure: Int, outcome: Outcome) {
    let command = prefix + [program] + arguments
    let outcome = try Program.run(
      command[0], Array(command.dropFirst()), environment: environment, timeout: 120)
    guard let figure = try take().last else {
      throw Missing(description: "\(command.joined(separator: " ")): \(outcome.errors)")
    }
    return (figure, outcome)
  }

  /// Runs a command to its end, which has to succeed, and gives the figure.
  ///
  /// - Parameter environment: the program's whole environment.
  package func figure(
    of command: [String], environment: [String: String] = [:]
  ) throws -> Int {
    let (figure, outcome) = try run(
      command[0], Array(command.dropFirst()), environment: environment)
    try outcome.requireSuccess()
    return figure
  }

  /// There was nothing to read a figure from.
  package struct Missing: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
  }
}

extension Program {
  /// The size of a file in bytes, such as a program's.
  package static func size(_ path: String) throws -> Int64 {
    let file = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    guard let size = System.size(ofFile: file) else { throw SystemError("find", path) }
    return size
  }

  /// Whether one of the project's programs is fully static, as release builds of the hooks are: it
  /// names no loader (a program header `PT_INTERP`).
  package static func isStatic(_ name: String) throws -> Bool {
    let image = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
    func number(_ offset: Int, _ size: Int) -> Int {
      image[offset..<(offset + size)].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    let (table, size, count) = (number(32, 8), number(54, 2), number(56, 2))
    let interpreter = 3
    return !(0..<count).contains { number(table + $0 * size, 4) == interpreter }
  }
}
