import Foundation

/// Programs that are timed in turn, each in every round from a copy of its own: one program may run
/// up to 45 % slower where its pages lie singly in the page cache.
package enum FreshCopies {
  package struct Contender {
    /// The path of the program.
    package let program: String
    package let arguments: [String]
    /// The program's whole environment, by the round.
    package let environment: (Int) -> [String: String]

    package init(
      _ program: String, _ arguments: [String], environment: @escaping (Int) -> [String: String]
    ) {
      self.program = program
      self.arguments = arguments
      self.environment = environment
    }
  }

  /// Runs all of them, round after round.
  ///
  /// - Parameter prepare: what is done before each round.
  /// - Returns: what each took, as the median of all rounds.
  package static func median(
    of contenders: [Contender], rounds: Int, before prepare: (Int) throws -> Void = { _ in }
  ) throws -> [TimedProgram.Cost] {
    var costs = [[TimedProgram.Cost]](repeating: [], count: contenders.count)
    for round in 0..<rounds {
      try prepare(round)
      for (index, contender) in contenders.enumerated() {
        let folder = try TemporaryDirectory()
        let original = URL(fileURLWithPath: contender.program)
        let copy = "\(folder.path)/\(original.lastPathComponent)"
        try FileManager.default.copyItem(
          atPath: original.resolvingSymlinksInPath().path, toPath: copy)
        costs[index].append(
          try TimedProgram.run(
            [copy] + contender.arguments, environment: contender.environment(round)))
      }
    }
    return costs.map(\.median)
  }
}
