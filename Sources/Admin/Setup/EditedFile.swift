import Glibc
import OpenVPN
import Servers
import Support
import System

/// A file of root's that a command changes after showing how.
struct EditedFile {
  /// The file itself, if links lead to it.
  let path: String
  let text: [UInt8]

  /// - Throws: `CommandError` for one that others could replace; `SystemError`.
  init(_ path: String) throws {
    self.path = try canonicalPath(of: path)
    // A user who may write on the way there could put another file in the place of what is written.
    if let folder = try directoryOpenToOthers(above: self.path) {
      let word = shellWord(folder)
      throw CommandError(
        "others may write to \(folder)", hint: "chown root \(word) && chmod go-w \(word)",
        exitStatus: .permission)
    }
    text = try contents(ofRegularFile: self.path, limit: ServerConfig.longest)
  }

  /// Shows an edit, asks, writes it, and says what to do next.
  ///
  /// - Parameters:
  ///   - purpose: the command's name, which the former file's name has besides the time.
  ///   - ifNothing: what is said of a file that stays as it is.
  /// - Returns: whether it is the edited file now.
  func apply(
    _ edit: ConfigEdit, _ consent: Consent, _ purpose: String, ifNothing: String, next: String
  ) throws -> Bool {
    let name = Escaping.plain(path)
    if edit.changesNothing {
      try StandardOutput.write(["\(name) \(ifNothing)"])
      return true
    }
    let difference = edit.difference().map { String(decoding: Escaping.plain($0), as: UTF8.self) }
    try StandardOutput.write(["--- \(name)", "+++ \(name) after \(purpose)"] + difference)
    guard try consent.isGiven(to: "change \(name)") else { return false }
    let former = try write(edit, keepingAs: purpose)
    try StandardOutput.write([
      "changed \(name); as it was it is in \(Escaping.plain(fileName(of: former)))",
      "next: \(next)",
    ])
    return true
  }

  /// Writes the file as it becomes, whole or not at all, with the rights of the former one, which
  /// stays beside it.
  ///
  /// - Parameter purpose: what the former file's name says besides the time.
  /// - Returns: the path of the former file.
  /// - Throws: `CommandError` where the file is another since it was read; `SystemError`.
  func write(_ edit: ConfigEdit, keepingAs purpose: String) throws -> String {
    let old = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
    // The question may have waited for long.
    guard try old.readToEnd(of: path, limit: ServerConfig.longest) == text else {
      throw CommandError(
        "\(path) was changed meanwhile", hint: "run this again", exitStatus: .inputOutput)
    }
    let draft = try FileDraft(for: path)
    try draft.file.write(edit.text.span, to: path)
    try draft.file.takeRights(of: old, called: path)
    let mode = try FileStatus(of: old, called: path).mode
    let former = try keepFormer(purpose)
    try draft.publish(mode: mode)
    return former
  }

  private func keepFormer(_ purpose: String) throws(SystemError) -> String {
    let stamp = isoTime(Clock.now).filter { $0.isNumber || $0 == "T" || $0 == "Z" }
    var name = "\(path).before-\(purpose)-\(stamp)"
    for number in 2... {
      do throws(SystemError) {
        try link(path, to: name)
        return name
      } catch {
        if error.code != EEXIST { throw error }
        name = "\(path).before-\(purpose)-\(stamp)-\(number)"
      }
    }
    return name
  }
}
