/// The value of a text that is decimal digits and nothing else; nil for others and above
/// `Int64.max`.
package func decimal(_ text: some StringProtocol) -> Int64? {
  text.utf8.allSatisfy { 48...57 ~= $0 } ? Int64(text) : nil
}

/// What is left of a number after taking off multiples of a positive divisor: never negative.
func remainder(_ number: Int64, by divisor: Int64) -> Int64 {
  let rest = number % divisor
  return rest < 0 ? rest + divisor : rest
}

/// Adds two numbers, and stops at the largest and smallest there are.
package func saturatingSum(_ left: Int64, _ right: Int64) -> Int64 {
  let (sum, overflow) = left.addingReportingOverflow(right)
  return overflow ? (right < 0 ? .min : .max) : sum
}
