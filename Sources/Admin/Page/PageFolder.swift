import Glibc
import Support
import System

/// The directory of the users' pages, `USER_PAGES`. Only the account of the ledger may write to it, so
/// that nobody can lead what is written elsewhere. Who may not list it finds no page without its name.
struct PageFolder: ~Copyable {
  /// Its path as it was given. Once it is open nobody can lead it elsewhere.
  let path: String
  private let folder: Descriptor
  /// The name of a page in the making.
  private let draft = PageFolder.draftStart + String(getpid())
  private static let draftStart = ".page."

  /// - Throws: `CommandError` for one that others may write to; `SystemError`.
  init(_ setting: String) throws {
    let opened = try PageFolder.open(setting)
    let status = try FileStatus(of: opened, called: setting)
    guard status.owner == geteuid(), status.isClosedToOthers else {
      let user = Privileges.name(of: geteuid()) ?? "this user"
      throw CommandError(
        "\(setting) is not a directory to which only \(user) may write",
        hint: PageFolder.remedy(for: setting), exitStatus: .permission)
    }
    path = setting
    folder = opened
  }

  private static func open(_ setting: String) throws(CommandError) -> Descriptor {
    do throws(SystemError) {
      return try Descriptor.open(setting, O_RDONLY | O_DIRECTORY)
    } catch {
      throw CommandError(
        "\(error.description), the directory of USER_PAGES",
        hint: PageFolder.remedy(for: setting), exitStatus: .cannotCreate)
    }
  }

  static func remedy(for path: String) -> String {
    "install -d -o \(Account.name) -g \(Account.name) -m 0711 \(shellWord(path))"
  }

  static func fileName(of token: String) -> String { token + ".html" }

  /// Where the page is found; the name of its file alone, if its address is not known.
  static func link(to token: String, below address: String) -> String {
    let name = fileName(of: token)
    return address.isEmpty ? name : address + (address.hasSuffix("/") ? "" : "/") + name
  }

  func has(_ name: String) -> Bool { unsafe faccessat(folder.number, name, F_OK, 0) == 0 }

  /// Writes a file whole or not at all, for everybody to read.
  func write(_ bytes: [UInt8], as name: String) throws(SystemError) {
    let subject = "\(path)/\(name)"
    _ = unsafe unlinkat(folder.number, draft, 0)
    let file: Descriptor
    do throws(SystemError) {
      file = try folder.open(
        draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, called: subject)
    } catch {
      throw SystemError("create", subject, code: error.code)
    }
    do throws(SystemError) {
      try file.write(bytes.span, to: subject)
      try file.setMode(0o644, of: subject)
      guard unsafe renameat(folder.number, draft, folder.number, name) == 0 else {
        throw SystemError("rename", subject)
      }
    } catch {
      _ = unsafe unlinkat(folder.number, draft, 0)
      throw error
    }
  }

  /// Removes what processes that were killed have left.
  func removeDrafts() {
    removeLeftovers(inDirectory: path) { name in
      name.hasPrefix(PageFolder.draftStart)
        ? pid_t(name.dropFirst(PageFolder.draftStart.count)) : nil
    }
  }

  /// Removes a file; one that is gone already is no error.
  func remove(_ name: String) throws(SystemError) {
    guard unsafe unlinkat(folder.number, name, 0) == 0 || errno == ENOENT else {
      throw SystemError("remove", "\(path)/\(name)")
    }
  }

  /// Makes all that was written survive a power loss.
  func synchronize() throws(SystemError) { try synchronizeFileSystem(of: folder, called: path) }
}

/// What the pages of a directory show, as a file of the state directory remembers it: without it every
/// page would have to be made to know whether it has changed.
struct PageMemory {
  private let file: String
  private let heading: String
  private(set) var pages: [String: UInt64] = [:]

  /// Reads it. What was of another directory, or cannot be read, is as nothing.
  init(of folder: borrowing PageFolder, beside database: String) {
    file = directory(of: database) + "/pages"
    heading = "1 \(folder.path)"
    guard let bytes = try? contents(ofRegularFile: file, limit: 256 << 20) else { return }
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    guard lines.first?.elementsEqual(heading.utf8) == true else { return }
    pages.reserveCapacity(lines.count)
    for line in lines.dropFirst() where line.count > 33 {
      let token = String(decoding: line.prefix(32), as: UTF8.self)
      pages[token] = UInt64(String(decoding: line.dropFirst(33), as: UTF8.self), radix: 16)
    }
  }

  /// Writes down what the pages show.
  func save(_ pages: [String: UInt64]) throws {
    var text = Array((heading + "\n").utf8)
    text.reserveCapacity(pages.count * 50)
    for (token, fingerprint) in pages {
      text += token.utf8
      text.append(UInt8(ascii: " "))
      text += String(fingerprint, radix: 16).utf8
      text.append(UInt8(ascii: "\n"))
    }
    let draft = try FileDraft(for: file)
    try draft.file.write(text.span, to: file)
    try draft.publish(mode: 0o600)
  }
}
