import Glibc

/// A mistake of the test that drives the simulator, told on one line.
struct OptionError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// What the command line asks for.
struct Options {
  static let usage = """
    usage: openvpn-simulator --management unix:PATH|tcp:HOST:PORT [--password TEXT]
             [--client-connect COMMAND-LINE] [--client-disconnect COMMAND-LINE]
             [--linger MILLISECONDS] [--format 2.3|2.4|2.5|2.6|2.7] [--status-version 1|2|3]
             [--duplicate-cn] [--dual-stack] [--dco] [--truth FILE] [--pid NUMBER] [--config PATH]
    """

  var management = Place.unix("")
  var password: Text?
  /// Words of the hook's command line; the name of the config file comes behind them.
  var clientConnect: [Text] = []
  var clientDisconnect: [Text] = []
  /// How long a session outlives `client-kill`; OpenVPN takes 5 seconds.
  var linger = Duration.milliseconds(500)
  var release = Release(minor: 6)
  /// What a bare `status` gives.
  var statusVersion = 1
  var duplicateCommonNames = false
  /// Clients come in over IPv4 on an IPv6 socket.
  var dualStack = false
  /// Packets pass in the kernel.
  var offloads = false
  /// The process id it gives itself out with; in two containers both are 1.
  var processID = getpid()
  /// The config file that its hooks are told of.
  var config = "server.conf"
  /// File that takes one line for every session that ended.
  var truth: String?

  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    var listens = false
    while let option = rest.popFirst() {
      switch option {
      case "--duplicate-cn": duplicateCommonNames = true
      case "--dual-stack": dualStack = true
      case "--dco": offloads = true
      default:
        guard let value = rest.popFirst() else { throw OptionError("\(option) needs a value") }
        switch option {
        case "--management": (management, listens) = (try Place(value), true)
        case "--password": password = Text(value.utf8)
        case "--client-connect": clientConnect = try words(of: value)
        case "--client-disconnect": clientDisconnect = try words(of: value)
        case "--truth": truth = value
        case "--config": config = value
        case "--pid":
          guard let number = pid_t(value), number > 0 else {
            throw OptionError("--pid takes a process id, not '\(value)'")
          }
          processID = number
        case "--linger":
          guard let milliseconds = Int(value), milliseconds >= 0 else {
            throw OptionError("--linger takes milliseconds, not '\(value)'")
          }
          linger = .milliseconds(milliseconds)
        case "--format":
          guard let release = Release(value) else {
            throw OptionError("--format takes 2.3 to 2.7, not '\(value)'")
          }
          self.release = release
        case "--status-version":
          guard let version = Int(value), (1...3).contains(version) else {
            throw OptionError("--status-version takes 1, 2 or 3, not '\(value)'")
          }
          statusVersion = version
        default: throw OptionError("unknown option \(option)")
        }
      }
    }
    guard listens else { throw OptionError("--management is missing") }
  }

  private func words(of commandLine: String) throws -> [Text] {
    do { return try Lexer.words(of: Text(commandLine.utf8)) } catch {
      throw OptionError(String(decoding: error.message, as: UTF8.self))
    }
  }
}

/// Where a management interface listens.
enum Place {
  case unix(String)
  case tcp(host: String, port: String)

  init(_ text: String) throws {
    if text.hasPrefix("unix:") {
      self = .unix(String(text.dropFirst(5)))
    } else if text.hasPrefix("tcp:"), let colon = text.dropFirst(4).lastIndex(of: ":") {
      let host = text[text.index(text.startIndex, offsetBy: 4)..<colon]
      let bare = host.hasPrefix("[") ? host.dropFirst().dropLast() : host
      self = .tcp(host: String(bare), port: String(text[text.index(after: colon)...]))
    } else {
      throw OptionError("--management takes unix:PATH or tcp:HOST:PORT, not '\(text)'")
    }
  }
}
