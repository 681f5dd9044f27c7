/// A text from outside for a one-line message: as it is if it is short and printable ASCII, which
/// cannot break the line or a terminal, and otherwise only referred to.
func shown(_ text: String) -> String {
  if text.isEmpty { return "an empty text" }
  let isPlain = text.utf8.count <= 40 && text.utf8.allSatisfy { 0x20...0x7E ~= $0 }
  return isPlain ? text : "the text given"
}
