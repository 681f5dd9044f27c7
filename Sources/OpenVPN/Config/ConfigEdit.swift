import System

/// Changes a server's config line by line, so that they can be shown and taken back.
///
/// A line that is added ends in a mark, and one that is put out of use becomes a comment with that
/// mark: without the former, and with the latter as they were, the text is to the byte what it was.
/// Where a file ends without a line end, it still does.
package struct ConfigEdit {
  /// What an added line ends in, as a comment.
  private static let mark = "# quota-admin setup"
  /// What a line that was put out of use begins with.
  private static let former = "#quota-admin setup: "

  private enum Line {
    case kept(ArraySlice<UInt8>)
    case removed(ArraySlice<UInt8>)
    case added([UInt8])
  }

  private var lines: [Line]
  /// What lines of this text end in besides the line feed.
  private let lineEnd: [UInt8]

  private init(_ text: [UInt8]) {
    let raw = text.split(separator: Bytes.lineFeed, omittingEmptySubsequences: false)
    lines = raw.map { .kept($0) }
    lineEnd = raw.first?.last == Bytes.carriageReturn ? [Bytes.carriageReturn] : []
  }

  /// Where the text ends: behind the last line feed there is no line.
  private var end: Int {
    if case .kept(let last)? = lines.last, last.isEmpty { lines.count - 1 } else { lines.count }
  }

  /// A line that OpenVPN would not read, for it takes at most 255 bytes with the line feed
  /// (`read_config_file`, options_parse.c); nil where there is none.
  package var overlongLine: [UInt8]? {
    for case .added(let bytes) in lines where bytes.count > 254 { return bytes }
    return nil
  }

  package var changesNothing: Bool {
    lines.allSatisfy { if case .kept = $0 { true } else { false } }
  }

  package var text: [UInt8] {
    let left = lines.compactMap { line -> ArraySlice<UInt8>? in
      switch line {
      case .kept(let bytes): bytes
      case .added(let bytes): bytes[...]
      case .removed: nil
      }
    }
    return Array(left.joined(separator: [Bytes.lineFeed]))
  }

  /// The changed lines with some of those around them, each behind a blank, `-` or `+`.
  package func difference(context: Int = 2) -> [[UInt8]] {
    let isChanged = lines.map { if case .kept = $0 { false } else { true } }
    var shown: [[UInt8]] = []
    var last = -1
    for (index, line) in lines.enumerated() {
      let near = max(0, index - context)..<min(lines.count, index + context + 1)
      // Behind the last line feed there is no line.
      if case .kept(let bytes) = line, bytes.isEmpty, index == lines.count - 1 { continue }
      guard isChanged[near].contains(true) else { continue }
      if last >= 0, index > last + 1 { shown.append(Array("...".utf8)) }
      last = index
      switch line {
      case .kept(let bytes): shown.append([UInt8(ascii: " ")] + bytes)
      case .removed(let bytes): shown.append([UInt8(ascii: "-")] + bytes)
      case .added(let bytes): shown.append([UInt8(ascii: "+")] + bytes)
      }
    }
    return shown.map { Array($0.trimmingLineEnd) }
  }

  /// A line that a server's config should have, and the lines whose place it takes.
  package struct Wanted {
    package let line: String
    package let former: [ConfigPlace]

    init(_ line: String, inPlaceOf former: [ConfigPlace?]) {
      self.line = line
      self.former = former.compactMap(\.self)
    }
  }

  /// Gives a config the lines it lacks. Former lines of this file become comments, those that were
  /// added before go, and the new line stands behind the last of them; a line in another file, which
  /// this one includes, is overridden at the end of this one, for the last line counts.
  package static func settingUp(
    _ text: [UInt8], of file: String, _ wanted: [Wanted]
  ) -> ConfigEdit {
    var edit = ConfigEdit(text)
    var replaced: [Int: [Line]] = [:]
    var added: [Line] = []
    for wanted in wanted {
      let new = Line.added(Array("\(wanted.line) \(mark)".utf8) + edit.lineEnd)
      let numbers = wanted.former.filter { $0.file == file }.map(\.line)
      for number in numbers where replaced[number] == nil { replaced[number] = [] }
      if let last = numbers.max() { replaced[last]?.append(new) } else { added.append(new) }
    }
    edit.lines = edit.lines.enumerated().flatMap { index, line -> [Line] in
      guard case .kept(let bytes) = line, let new = replaced[index + 1] else { return [line] }
      if bytes.trimmingLineEnd.ends(with: mark.utf8) { return [.removed(bytes)] + new }
      return [.removed(bytes), .added(Array(former.utf8) + bytes)] + new
    }
    edit.lines.insert(contentsOf: added, at: edit.end)
    return edit
  }

  /// Takes back what was set up, and puts former lines in use again. A hook's line that was written by
  /// hand goes too, or becomes that of the script behind it.
  package static func tearingDown(_ text: [UInt8]) -> ConfigEdit {
    var edit = ConfigEdit(text)
    var closingTag: [UInt8]?
    edit.lines = edit.lines.flatMap { line -> [Line] in
      guard case .kept(let bytes) = line else { return [line] }
      if let tag = closingTag {
        if bytes.drop(while: ConfigLexer.isBlank).starts(with: tag) { closingTag = nil }
        return [line]
      }
      let isFormer = bytes.starts(with: former.utf8)
      // A line that setup put right may name our hook too.
      let inUse = isFormer ? bytes.dropFirst(former.utf8.count) : bytes
      let words = (try? ConfigLexer.words(in: inUse + [Bytes.lineFeed])) ?? []
      if words.count == 1 { closingTag = ConfigReader.closingTag(for: words[0]) }
      if inUse.trimmingLineEnd.ends(with: mark.utf8) { return [.removed(bytes)] }
      if let own = edit.ownLine(of: words) { return [.removed(bytes)] + own.map { .added($0) } }
      return isFormer ? [.removed(bytes), .added(Array(inUse))] : [line]
    }
    return edit
  }

  /// Gives a file of `KEY=VALUE` lines, such as quota.conf, a value: in the place of the last one that
  /// holds, else behind the comment that shows the default, else at the end.
  package static func setting(_ key: String, to value: String, in text: [UInt8]) -> ConfigEdit {
    var edit = ConfigEdit(text)
    func last(_ start: String) -> Int? {
      edit.lines.lastIndex {
        guard case .kept(let bytes) = $0 else { return false }
        let line = bytes.drop(while: ConfigLexer.isBlank)
        return line.starts(with: start.utf8)
          && line.dropFirst(start.utf8.count).drop(while: ConfigLexer.isBlank).first
            == UInt8(ascii: "=")
      }
    }
    let new = Array("\(key)=\(value)".utf8) + edit.lineEnd
    if let index = last(key), case .kept(let bytes) = edit.lines[index] {
      if bytes != new[...] {
        edit.lines.replaceSubrange(index...index, with: [.removed(bytes), .added(new)])
      }
    } else {
      edit.lines.insert(.added(new), at: last("#" + key).map { $0 + 1 } ?? edit.end)
    }
    return edit
  }

  /// What becomes of a line that names our hook: the server's own script, or nothing; nil for any
  /// other line.
  private func ownLine(of words: [[UInt8]]) -> [[UInt8]]? {
    guard words.count > 1 else { return nil }
    let directive = String(decoding: words[0], as: UTF8.self)
    // As on the command line it may have two hyphens.
    let name = directive.hasPrefix("--") ? String(directive.dropFirst(2)) : directive
    guard ["client-connect", "client-disconnect", "auth-user-pass-verify"].contains(name),
      let command = try? ConfigLexer.words(in: words[1] + [Bytes.lineFeed])
    else { return nil }
    let hook = HookCommand(command.map { String(decoding: $0, as: UTF8.self) }) { _ in true }
    if hook.kind == .foreign { return nil }
    let isLogin = name == "auth-user-pass-verify"
    // Without the line nobody would have to bring a password.
    if hook.script.isEmpty { return isLogin ? nil : [] }
    let method = isLogin && words.count > 2 ? [UInt8(ascii: " ")] + words[2] : []
    let value = HookCommand.value(for: Array(hook.script))
    return [Array("\(directive) \(value)".utf8) + method + lineEnd]
  }
}

extension Collection<UInt8> where Self: BidirectionalCollection, SubSequence == ArraySlice<UInt8> {
  fileprivate var trimmingLineEnd: ArraySlice<UInt8> {
    last == Bytes.carriageReturn ? dropLast() : self[...]
  }
}

extension ArraySlice<UInt8> {
  fileprivate func ends(with text: String.UTF8View) -> Bool {
    suffix(text.count).elementsEqual(text)
  }
}

extension ServerConfig {
  /// The `management` line that a server should have.
  package static func managementLine(for server: String) -> String {
    "management /run/openvpn-quota/\(printable(fileName(of: server).utf8)).sock unix"
  }

  /// The lines that this server lacks for its users to be metered.
  ///
  /// - Parameters:
  ///   - atLogin: whether the connect hook should stand before the program that checks passwords.
  ///   - group: the group that hooks need where the server gives up root.
  ///   - keepsManagement: whether its management lines, if it has some, are of use as they stand.
  package func wantedLines(
    server: String, hooks: String, atLogin: Bool = false, group: String = "openvpn-quota",
    keepsManagement: Bool = true, exists: (String) -> Bool
  ) -> [ConfigEdit.Wanted] {
    var wanted: [ConfigEdit.Wanted] = []
    if management == nil || !keepsManagement {
      wanted.append(.init(ServerConfig.managementLine(for: server), inPlaceOf: managementLines))
    }
    if scriptSecurity?.value ?? 1 < 2 {
      wanted.append(.init("script-security 2", inPlaceOf: [scriptSecurity?.place]))
    }
    for (directive, program, line) in [
      ("client-connect", "quota-connect", clientConnect),
      ("client-disconnect", "quota-disconnect", clientDisconnect),
    ] {
      let command = HookCommand(line?.value ?? []) { exists(resolvedPath($0, in: directory)) }
      let path = "\(hooks)/\(program)"
      let calls = command.value(of: "--server") ?? fileStem(of: file)
      if command.kind == .hook, command.words[0] == path, calls == server { continue }
      let words = command.asInstalled(path, server: server)
      wanted.append(
        .init("\(directive) \(HookCommand.value(for: words))", inPlaceOf: [line?.place]))
    }
    if let passwordCheck, let line = loginLine(server: server, hook: "\(hooks)/quota-connect") {
      let command = HookCommand(passwordCheck.value) { _ in true }
      let calls = command.value(of: "--server") ?? fileStem(of: file)
      let isRight =
        command.kind == .hook
        ? command.words[0] == "\(hooks)/quota-connect" && calls == server && tellsLoginHook
        : command.kind == .foreign && !atLogin
      if !isRight { wanted.append(.init(line, inPlaceOf: [passwordCheck.place])) }
    }
    if let user, user.value != "root", self.group?.value != group {
      wanted.append(.init("group \(group)", inPlaceOf: [self.group?.place]))
    }
    return wanted
  }
}
