import Ledger
import Quota
import Support

extension Administration {
  /// Warns of a name just given that people would take for another user's, or cannot see all of.
  func warnOfResemblance(of name: UserName) throws {
    let diagnostics = AdminProgram.diagnostics
    if name.isText, name.forPeople.utf8.count != name.bytes.count {
      diagnostics.notice(
        "not all of the name \(name.forPeople) can be seen",
        hint: "commands take it as it stands here, in quotes")
    }
    let others = try ledger.users.resembling(name)
    let key = Names.fold.key(of: name.bytes)
    for other in others where settings.names == .exact && Names.fold.key(of: other.bytes) == key {
      diagnostics.notice(
        "there is a user \(other.forPeople), who differs only in letter case or in blanks",
        hint: "NAMES=fold makes them one, see quota.conf(5)")
    }
    guard let look = name.look else { return }
    for other in others where Names.fold.key(of: other.bytes) != key && other.look == look {
      diagnostics.notice("there is a user \(other.forPeople), whose name looks the same")
    }
  }
}

extension UserName {
  /// What people see of a name: without case, blanks at its ends and characters that cannot be seen. Two
  /// are equal also where one has composed letters and the other decomposed ones.
  fileprivate var look: String? {
    // Bytes that are no text are shown as numbers, each as what it is.
    if !isText { return nil }
    let text = String(decoding: Names.fold.key(of: bytes), as: UTF8.self)
    var look = String.UnicodeScalarView()
    look.append(contentsOf: text.unicodeScalars.filter { !Escaping.isHarmful($0) })
    return String(look)
  }
}
