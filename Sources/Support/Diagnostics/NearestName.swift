/// Finds the name that a mistyped one was meant to be.
package enum NearestName {
  /// The known name that takes the fewest letters changed, added or left out, case not counting;
  /// nil if none is near: more than a third of its letters, or 3, would have to change.
  ///
  /// - Parameters:
  ///   - name: what was typed.
  ///   - known: the names there are; of two equally near the first is given.
  package static func of(_ name: [UInt8], among known: [String]) -> String? {
    var best: (name: String, distance: Int)?
    for candidate in known {
      let letters = Array(candidate.utf8)
      let most = min(3, max(1, letters.count / 3))
      // Longer or shorter by more than that is never near, and keeps hostile lengths cheap.
      guard abs(letters.count - name.count) <= most else { continue }
      let distance = distance(name, letters)
      if distance <= most, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// Levenshtein's distance of two names in any case.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (above, letter) in left.enumerated() {
      var diagonal = above
      row[0] = above + 1
      for index in right.indices {
        let change = lowered(letter) == lowered(right[index]) ? 0 : 1
        let cost = min(diagonal + change, row[index] + 1, row[index + 1] + 1)
        diagonal = row[index + 1]
        row[index + 1] = cost
      }
    }
    return row[right.count]
  }

  private static func lowered(_ byte: UInt8) -> UInt8 { 65...90 ~= byte ? byte + 32 : byte }
}
