import System

/// Reads config files in the order OpenVPN does (`read_config_file`, options_parse.c) and puts what
/// matters into a `ServerConfig`.
struct ConfigReader {
  /// OpenVPN goes ten levels deep (`max_recursive_levels`) and then ignores `config` lines.
  private static let deepest = 10
  /// More files than any config has; a file that includes itself twice would be a thousand.
  private static let mostFiles = 100

  /// Where relative paths are meant: moved by `cd`.
  private var directory: String
  private var depth = 0
  /// The first thing that is wrong.
  private var mistake: ConfigError?
  /// The words of the `management` lines, resolved at the end as OpenVPN binds it only then.
  private var management: [Located<[String]>] = []

  init(directory: String) { self.directory = directory }

  /// Reads one file, and those it includes where they are named.
  ///
  /// A mistake does not end it, for the file may turn out to be none of OpenVPN's.
  mutating func readFile(
    _ path: String, into config: inout ServerConfig,
    using read: (String) throws(SystemError) -> [UInt8]
  ) throws(ConfigError) {
    guard depth < Self.deepest, config.files.count < Self.mostFiles else { return }
    depth += 1
    defer { depth -= 1 }
    config.files.append(path)
    let bytes: [UInt8]
    do { bytes = try read(path) } catch { throw .unreadable(error, ofServer: false) }
    var block: (closingTag: [UInt8], place: ConfigPlace)?
    for (index, line) in Self.lines(of: bytes).enumerated() {
      let place = ConfigPlace(file: path, line: index + 1)
      if let tag = block?.closingTag {
        if line.drop(while: ConfigLexer.isBlank).starts(with: tag) { block = nil }
        continue
      }
      do throws(ConfigError) {
        let words = try words(in: line, at: place)
        if words.count == 1, let tag = Self.closingTag(for: words[0]) {
          block = (tag, place)
        } else {
          try take(Line(words: words, place: place), into: &config, using: read)
        }
      } catch {
        if mistake == nil { mistake = error }
        if Self.startsServer(line) { config.isServer = true }
      }
    }
    if let block, mistake == nil {
      mistake = .mistake(block.place, what: "this block is not closed")
    }
  }

  /// Settles what depends on the last `cd`, and whether what is wrong matters.
  func finish(_ config: inout ServerConfig) throws(ConfigError) {
    config.directory = directory
    config.managementLines = management.map(\.place)
    if let mistake {
      switch mistake {
      // What cannot be read may be what makes it a server.
      case .unreadable(let error, _) where config.isServer || !config.isClient:
        throw .unreadable(error, ofServer: config.isServer)
      case .mistake where config.isServer: throw mistake
      default: break
      }
    }
    guard config.isServer, config.managementClient == nil, let last = management.last else {
      return
    }
    config.management = Located(value: try endpoint(last), place: last.place)
  }

  /// Whether a line that cannot be read is the one that makes a config a server's.
  private static func startsServer(_ line: ArraySlice<UInt8>) -> Bool {
    let word = line.drop(while: ConfigLexer.isBlank).prefix { !ConfigLexer.isBlank($0) }
    return ["server", "server-bridge", "server-ipv6"].contains { word.elementsEqual($0.utf8) }
  }

  private struct Line {
    let words: [[UInt8]]
    let place: ConfigPlace

    /// The directive, without the two hyphens that it may have as on the command line.
    var name: String {
      let text = words.first.map { String(decoding: $0, as: UTF8.self) } ?? ""
      return text.hasPrefix("--") && text.utf8.count > 2 ? String(text.dropFirst(2)) : text
    }

    func text(_ index: Int) -> String? {
      index < words.count ? String(decoding: words[index], as: UTF8.self) : nil
    }

    func located<Value>(_ value: Value) -> Located<Value> {
      Located(value: value, place: place)
    }
  }

  /// The lines of a file, without their line feeds.
  static func lines(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let text = bytes.starts(with: mark) ? bytes[3...] : bytes[...]
    return text.split(separator: Bytes.lineFeed, omittingEmptySubsequences: false)
  }

  private func words(
    in line: ArraySlice<UInt8>, at place: ConfigPlace
  ) throws(ConfigError) -> [[UInt8]] {
    // OpenVPN's lines still have their line feed, so that a backslash at the end escapes that.
    do { return try ConfigLexer.words(in: line + [Bytes.lineFeed]) } catch {
      throw .mistake(place, what: error.rawValue)
    }
  }

  /// `</ca>` for `<ca>`; nil for what opens no block.
  static func closingTag(for word: [UInt8]) -> [UInt8]? {
    guard word.first == UInt8(ascii: "<"), word.last == UInt8(ascii: ">") else { return nil }
    return Array("</".utf8) + word.dropFirst()
  }

  private mutating func take(
    _ line: Line, into config: inout ServerConfig,
    using read: (String) throws(SystemError) -> [UInt8]
  ) throws(ConfigError) {
    let value = line.text(1)
    switch line.name {
    case "config":
      if let value {
        try readFile(resolvedPath(value, in: directory), into: &config, using: read)
      }
    case "cd": if let value { directory = resolvedPath(value, in: directory) }
    case "management":
      management.append(line.located(line.words.indices.dropFirst().compactMap(line.text)))
    case "server", "server-bridge", "server-ipv6": config.isServer = true
    case "mode": config.isServer = config.isServer || value == "server"
    case "client", "tls-client", "remote": config.isClient = true
    case "dev", "dev-type":
      config.isTap = config.isTap || value?.hasPrefix("tap") == true
      if line.name == "dev" {
        config.device = ["tun", "tap", "null"].contains(value) ? nil : value
      }
    case "user": config.user = value.map(line.located)
    case "group": config.group = value.map(line.located)
    case "client-connect": config.clientConnect = try command(line)
    case "client-disconnect": config.clientDisconnect = try command(line)
    case "script-security":
      config.scriptSecurity = value.flatMap { Int($0) }.map(line.located)
    case "chroot": config.chroot = value.map { line.located(resolvedPath($0, in: directory)) }
    case "duplicate-cn": config.duplicateCN = line.place
    case "client-to-client": config.clientToClient = line.place
    case "username-as-common-name": config.usernameAsCommonName = line.place
    case "verify-client-cert":
      let value = ServerConfig.ClientCertificate(rawValue: value ?? "") ?? .require
      config.clientCertificate = line.located(value)
    case "client-cert-not-required": config.clientCertificate = line.located(.none)
    case "auth-user-pass-verify":
      config.loginCheck = line.place
      config.passwordCheck = try command(line)
      config.passwordMethod = line.text(2)
    case "plugin":
      config.loginCheck = config.loginCheck ?? line.place
      if let value { config.plugins.append(line.located(value)) }
    case "auth-user-pass-optional": config.optionalLogin = line.place
    default: takeManagement(line, value, into: &config)
    }
  }

  private func takeManagement(_ line: Line, _ value: String?, into config: inout ServerConfig) {
    switch line.name {
    case "management-signal": config.managementSignal = line.place
    case "management-client": config.managementClient = line.place
    case "management-hold": config.managementHold = line.place
    case "management-client-auth":
      config.managementClientAuth = line.place
      config.loginCheck = config.loginCheck ?? line.place
    case "management-client-user": config.managementClientUser = value.map(line.located)
    case "management-client-group": config.managementClientGroup = value.map(line.located)
    default: break
    }
  }

  /// A hook's command is one word, which OpenVPN splits again (`argv_parse_cmd`, argv.c).
  private func command(_ line: Line) throws(ConfigError) -> Located<[String]>? {
    guard line.words.count > 1 else { return nil }
    let words = try words(in: line.words[1][...], at: line.place)
    return line.located(words.map { String(decoding: $0, as: UTF8.self) })
  }

  /// The place that the `management` lines come to together.
  private func endpoint(
    _ last: Located<[String]>
  ) throws(ConfigError) -> ServerConfig.Management {
    for line in management where line.value.count < 2 {
      throw .mistake(line.place, what: "management needs PATH unix or ADDRESS PORT")
    }
    // At the word stdin OpenVPN asks for the password when it starts: there is no file to read.
    let password = management.last { $0.value.count > 2 }?.value[2]
    let file = password.flatMap { $0 == "stdin" ? nil : resolvedPath($0, in: directory) }
    let (host, port) = (last.value[0], last.value[1])
    if management.contains(where: { $0.value[1] == "unix" }) {
      return .init(address: .unix(resolvedPath(host, in: directory)), passwordFile: file)
    }
    guard host != "tunnel" else {
      throw .mistake(
        last.place, what: "management at the tunnel's own address cannot be found from outside it")
    }
    guard let number = UInt16(port), number > 0 else {
      throw .mistake(last.place, what: "the management port must be a number from 1 to 65535")
    }
    return .init(address: .tcp(host: host.lowercased(), port: number), passwordFile: file)
  }
}

/// Splits a line of an OpenVPN config file, or the command in one, into words as OpenVPN does.
///
/// The rules are those of `parse_line` (options_parse.c, in options.c before 2.6), tried on 2.6.14:
/// blanks separate words; `#` or `;` at the start of a word begins a comment, even behind a
/// backslash; a word that starts with a double quote goes on to the next one, and a backslash in
/// it or in a bare word makes the next character plain, which must be a backslash, a double quote
/// or a blank; a word that starts with a single quote goes on to the next one with no escapes;
/// quotes inside a bare word are characters. A line has at most 16 words of 256 bytes, and what
/// follows the sixteenth is not looked at.
enum ConfigLexer {
  /// Why OpenVPN would not start with this line.
  enum Mistake: String, Error {
    case noClosingQuote = "a quotation is not closed"
    case badBackslash = "a backslash must be followed by a backslash, a double quote or a blank"
    case endsInBackslash = "the line ends in a backslash"
    case wordTooLong = "a word has more than 256 bytes"
  }

  private enum State { case between, bare, quoted, singleQuoted }

  private static let mostWords = 16
  private static let longestWord = 256

  /// Gives the words of a line, none for a comment or an empty line.
  static func words(in line: some Sequence<UInt8>) throws(Mistake) -> [[UInt8]] {
    var words: [[UInt8]] = []
    var word: [UInt8] = []
    var state = State.between
    var isEscaped = false
    for byte in line {
      if byte == UInt8(ascii: "\\"), !isEscaped, state != .singleQuoted {
        isEscaped = true
        continue
      }
      let wasEscaped = isEscaped
      isEscaped = false
      switch (state, byte) {
      case (.between, UInt8(ascii: "#")), (.between, UInt8(ascii: ";")): return words
      case (.between, _) where isBlank(byte): continue
      case (.between, UInt8(ascii: "\"")) where !wasEscaped: state = .quoted
      case (.between, UInt8(ascii: "'")) where !wasEscaped: state = .singleQuoted
      case (.bare, _) where isBlank(byte) && !wasEscaped,
        (.quoted, UInt8(ascii: "\"")) where !wasEscaped,
        (.singleQuoted, UInt8(ascii: "'")):
        words.append(word)
        if words.count == mostWords { return words }
        word = []
        state = .between
      default:
        guard !wasEscaped || isEscapable(byte) else { throw .badBackslash }
        guard word.count < longestWord else { throw .wordTooLong }
        word.append(byte)
        if state == .between { state = .bare }
      }
    }
    guard !isEscaped else { throw .endsInBackslash }
    guard state == .between || state == .bare else { throw .noClosingQuote }
    return state == .bare ? words + [word] : words
  }

  /// What C's `isspace` takes for one.
  static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

  private static func isEscapable(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\"") || isBlank(byte)
  }
}
