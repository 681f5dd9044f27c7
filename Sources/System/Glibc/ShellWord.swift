/// Text as one word of a shell's command line, for people to copy: in quotes where it has to be, and in
/// bash's `$'…'` with `\xHH` for what a terminal would not show.
package func shellWord(_ text: String) -> String {
  let scalars = text.unicodeScalars
  guard scalars.allSatisfy(isShown) else {
    return "$'\(scalars.map(ansiQuoted).joined())'"
  }
  let isPlain = scalars.allSatisfy { scalar in
    scalar.properties.isAlphabetic || scalar.properties.numericType != nil
      || "._@+-=:/,%".unicodeScalars.contains(scalar)
  }
  if isPlain, !text.isEmpty { return text }
  let parts = text.split(separator: "'", omittingEmptySubsequences: false)
  return "'\(parts.joined(separator: #"'\''"#))'"
}

private func isShown(_ scalar: Unicode.Scalar) -> Bool {
  isHarmless(scalar) && !scalar.properties.isDefaultIgnorableCodePoint
}

private func ansiQuoted(_ scalar: Unicode.Scalar) -> String {
  switch scalar {
  case "'", "\\": "\\\(scalar)"
  default: isShown(scalar) ? String(scalar) : escaped(Array(String(scalar).utf8))
  }
}
