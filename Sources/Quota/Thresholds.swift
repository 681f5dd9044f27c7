/// The highest of some percentages of a limit that usage has reached.
///
/// - Parameters:
///   - percentages: in any order; above 100 as well.
///   - used: bytes, 0 or more.
///   - limit: bytes, 0 for as many as one likes.
/// - Returns: nil where none is reached, or without a limit.
package func highestThreshold(
  _ percentages: [Int], reachedBy used: Int64, of limit: Int64
) -> Int? {
  guard limit > 0 else { return nil }
  return percentages.filter { Int128(used) * 100 >= Int128($0) * Int128(limit) }.max()
}
