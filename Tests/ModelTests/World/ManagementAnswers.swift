/// What a server of the world says on one connection to its management interface.
final class ManagementAnswers {
  let server: Server
  private let world: World
  /// What happens elsewhere once a listing is on its way.
  private let pause: () -> Void
  /// Whether this connection was given a listing: what comes later is for kills alone.
  private var hasListed = false

  static let greeting = ">INFO:OpenVPN Management Interface Version 5 -- type 'help'\r\n"

  init(_ server: Server, in world: World, pause: @escaping () -> Void) {
    self.server = server
    self.world = world
    self.pause = pause
  }

  /// The answer to a line; nil where the server stands still or is gone, and hangs up.
  func answer(_ line: String) -> String? {
    guard server.isFree else { return nil }
    let words = line.split(separator: " ", maxSplits: 2).map(String.init)
    switch words.first {
    case "status":
      guard let listing = world.listing(of: server, isJudged: !hasListed) else { return nil }
      hasListed = true
      return listing.text
    case "pid":
      defer { pause() }
      return "SUCCESS: pid=\(server.pid)\r\n"
    case "client-kill":
      let target = server.live.first { words.count > 1 && "\($0.clientID)" == words[1] }
      return world.disconnect(target)
        ? "SUCCESS: client-kill command succeeded\r\n" : "ERROR: client-kill command failed\r\n"
    case "kill":
      let target = server.live.first { words.count > 1 && $0.realAddress == words[1] }
      return world.disconnect(target)
        ? "SUCCESS: 1 client(s) at address \(words[1]) killed\r\n"
        : "ERROR: client at address \(words[1]) not found\r\n"
    default: return "ERROR: unknown command, enter 'help' for more options\r\n"
    }
  }
}
