/// When a limit is reached if traffic goes on as it did so far.
///
/// - Parameters:
///   - used: bytes used since `start`.
///   - limit: bytes, 0 for as many as one likes.
///   - start: when counting began, in UTC seconds.
///   - now: the present, in UTC seconds.
/// - Returns: UTC seconds; `now` if the limit is reached already; nil without a limit, where
///   nothing was used, or before an hour was observed.
package func projectedEnd(
  used: Int64, of limit: Int64, since start: Int64, now: Int64
) -> Int64? {
  if limit <= 0 || used <= 0 { return nil }
  if used >= limit { return now }
  let observed = Int128(now) - Int128(start)
  if observed < 3600 { return nil }
  // Rounded up: the first second at which it is reached.
  let needed = (Int128(limit) * observed + Int128(used) - 1) / Int128(used)
  return Int64(clamping: Int128(start) + needed)
}

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
