import Glibc
import System

@testable import OpenVPN

extension FuzzTarget {
  /// An OpenVPN config. What is behind a NUL byte is the next of the files it may include, which are
  /// called 1, 2, 3 and so on.
  static let openvpnConfig = FuzzTarget("openvpn-config") { bytes throws(Broken) in
    let files = bytes.split(separator: 0, maxSplits: 8, omittingEmptySubsequences: false)
    var reads = 0
    let config = read(files, &reads)
    try require(reads <= 100, "no more than 100 files are read")
    switch config {
    case .success(let config): try check(config)
    case .failure(let error): try check(error, files)
    }
    try checkComment(files, config)
    for line in lines(of: bytes) { try checkWords(of: line) }
  }

  private static func read(
    _ files: [ArraySlice<UInt8>], _ reads: inout Int
  ) -> Result<ServerConfig, ConfigError> {
    var count = 0
    let config = Result { () throws(ConfigError) in
      try ServerConfig(file: "/etc/openvpn/0") { path throws(SystemError) in
        count += 1
        guard let number = path.last?.wholeNumberValue, number < files.count else {
          throw SystemError("open", path, code: ENOENT)
        }
        return Array(files[number])
      }
    }
    reads = count
    return config
  }

  private static func check(_ config: ServerConfig) throws(Broken) {
    guard let management = config.management?.value else { return }
    try require(config.isServer, "only a server's management is asked")
    switch management.address {
    case .unix(let path): try require(path.hasPrefix("/"), "the socket's path is whole: \(path)")
    case .tcp(_, let port): try require(port > 0, "the port is one")
    }
    try require(management.passwordFile?.hasPrefix("/") != false, "the password's path is whole")
  }

  private static func check(
    _ error: ConfigError, _ files: [ArraySlice<UInt8>]
  ) throws(Broken) {
    try requireSafe(error.description, "the complaint")
    guard case .mistake(let place, _) = error else { return }
    let number = place.file.last?.wholeNumberValue ?? 0
    let count = number < files.count ? files[number].count { $0 == 10 } + 1 : 0
    try require(1...max(1, count) ~= place.line, "\(place) is a line of the file")
  }

  /// A comment in front moves every line of the first file by one and changes nothing else.
  private static func checkComment(
    _ files: [ArraySlice<UInt8>], _ config: Result<ServerConfig, ConfigError>
  ) throws(Broken) {
    guard let first = files.first, !first.starts(with: [0xEF, 0xBB, 0xBF]) else { return }
    var reads = 0
    let other = read([Array("# a comment\n".utf8) + first] + files.dropFirst(), &reads)
    switch (config, other) {
    case (.success(let config), .success(let other)):
      try same(config.management?.value, other.management?.value, "management")
      try same(config.clientConnect?.value, other.clientConnect?.value, "client-connect")
      try same(config.isServer, other.isServer, "whether it is a server's")
      try same(config.isTap, other.isTap, "whether it is tap")
      try same(config.user?.value, other.user?.value, "the user")
      try same(config.scriptSecurity?.value, other.scriptSecurity?.value, "script-security")
    case (.failure(.mistake(let place, let what)), .failure(.mistake(let moved, let same))):
      try require(what == same, "the mistake is the same")
      // The first file may include itself under another path.
      let isFirst = place.file.hasSuffix("0")
      try require(moved.line == place.line + (isFirst ? 1 : 0), "the mistake moved by one line")
    case (.failure(.unreadable(let error, _)), .failure(.unreadable(let other, _))):
      try same(error, other, "the file that cannot be read")
    default: throw Broken("a comment in front makes another config of it")
    }
  }

  /// A line has at most 16 words of 256 bytes, and in quotes they are the same words.
  private static func checkWords(of line: [UInt8]) throws(Broken) {
    guard let words = try? ConfigLexer.words(in: line) else { return }
    try require(words.count <= 16, "a line has at most 16 words")
    try require(words.allSatisfy { $0.count <= 256 }, "a word has at most 256 bytes")
    var quoted: [UInt8] = []
    for word in words {
      quoted += Array(" \"".utf8)
      for byte in word {
        if byte == 34 || byte == 92 { quoted.append(92) }
        quoted.append(byte)
      }
      quoted.append(34)
    }
    try same(try? ConfigLexer.words(in: quoted), words, "words in quotes")
  }
}
