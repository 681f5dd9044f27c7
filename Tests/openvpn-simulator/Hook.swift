import Glibc
import System

/// Runs a script as OpenVPN does: `execve`, nothing but OpenVPN's own variables, `/dev/null` for
/// input, the server's log for output, and the whole server waits for it.
enum Hook {
  /// Gives the exit status, or 128 plus the signal; 127 where nothing could be started.
  static func run(_ words: [Text], environment: [(name: Text, value: Text)]) -> Int32 {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe posix_spawn_file_actions_destroy(&actions) }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, 2, 1)
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    unsafe sigaddset(&signals, SIGPIPE)
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
    unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

    let arguments = unsafe words.map(duplicate)
    let variables = unsafe environment.map {
      unsafe duplicate($0.name + [UInt8(ascii: "=")] + $0.value)
    }
    defer { unsafe (arguments + variables).forEach { unsafe free($0) } }
    var child: pid_t = 0
    guard let program = unsafe arguments.first as? UnsafeMutablePointer<CChar>,
      unsafe posix_spawn(
        &child, program, &actions, &attributes, arguments + [nil], variables + [nil]) == 0
    else { return 127 }
    var status: Int32 = 0
    _ = retryingOnInterrupt { unsafe waitpid(child, &status, 0) }
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }

  private static func duplicate(_ text: Text) -> UnsafeMutablePointer<CChar>? {
    let cString = text.map { CChar(bitPattern: $0) } + [0]
    return unsafe strdup(cString)
  }
}

/// The file whose name OpenVPN hands to client-connect, for what the script wants configured.
struct ClientConfigFile: ~Copyable {
  let path: String

  init() throws {
    let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    var template = (folder + "/openvpn_cc_XXXXXX").utf8CString.map { $0 }
    let file = unsafe mkstemp(&template)
    guard file >= 0 else { throw OptionError("cannot make a file in \(folder)") }
    close(file)
    path = String(
      decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { _ = unsafe unlink(path) }

  /// The words of each line the script has written.
  var lines: [[String]] {
    let text = (try? contents(ofFile: path)) ?? []
    return text.split(separator: UInt8(ascii: "\n")).map { line in
      ((try? Lexer.words(of: Text(line))) ?? []).map { String(decoding: $0, as: UTF8.self) }
    }
  }
}
