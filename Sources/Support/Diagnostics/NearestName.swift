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

  /// How many letters of two names have to be changed, added, left out or swapped with the next, in
  /// any case.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    let (left, right) = (left.map(lowered), right.map(lowered))
    var (before, row) = ([Int](), Array(0...right.count))
    for (above, letter) in left.enumerated() {
      var next = [above + 1]
      for (index, other) in right.enumerated() {
        var cost = min(row[index] + (letter == other ? 0 : 1), row[index + 1] + 1, next[index] + 1)
        if above > 0, index > 0, letter == right[index - 1], left[above - 1] == other {
          cost = min(cost, before[index - 1] + 1)
        }
        next.append(cost)
      }
      (before, row) = (row, next)
    }
    return row[right.count]
  }

  private static func lowered(_ byte: UInt8) -> UInt8 { 65...90 ~= byte ? byte + 32 : byte }
}
