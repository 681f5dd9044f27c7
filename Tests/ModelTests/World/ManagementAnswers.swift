/// What a server of the world says on one connection to its management interface.
final class ManagementAnswers {
  let server: Server
  private let world: World
  /// What happens elsewhere once a listing is on its way.
  private let pause: () -> Void
  /// Whether this connection was given a whole listing: what comes later is for kills alone.
  private var hasListed = false

  init(_ server: Server, in world: World, pause: @escaping () -> Void) {
    self.server = server
    self.world = world
    self.pause = pause
  }

  var greeting: String {
    let version = [.v25: 3, .v26: 5, .v27: 6][server.kind.release] ?? 5
    return ">INFO:OpenVPN Management Interface Version \(version) -- type 'help'\r\n"
  }

  /// The answer to a line; nil where the server stands still or is gone, and hangs up.
  func answer(_ line: String) -> String? {
    guard server.isFree else { return nil }
    let words = line.split(separator: " ", maxSplits: 2).map(String.init)
    switch words.first {
    case "status":
      if server.restartsUntil > world.elapsed {
        return "ERROR: The 'status' command is not supported by the current daemon mode\r\n"
      }
      let isPlain = words.count > 1 && words[1] == "1"
      guard let listing = world.listing(of: server, isPlain: isPlain, isJudged: !hasListed) else {
        return nil
      }
      hasListed = listing.isWhole || isPlain
      return listing.text
    case "pid":
      defer { pause() }
      return "SUCCESS: pid=\(server.pid)\r\n"
    case "client-kill":
      let target = server.live.first { words.count > 1 && "\($0.clientID)" == words[1] }
      return world.disconnect(target)
        ? "SUCCESS: client-kill command succeeded\r\n" : "ERROR: client-kill command failed\r\n"
    case "kill": return kill(words.count > 1 ? words[1] : "")
    default: return "ERROR: unknown command, enter 'help' for more options\r\n"
    }
  }

  /// By an address; IPv6 addresses it never takes.
  private func kill(_ address: String) -> String {
    let target = server.live.first { session in
      let place = session.place.listed
      let text =
        server.kind.release == .v27
        ? "\(place.socket):\(place.host):\(place.port)" : "\(place.host):\(place.port)"
      return !place.isIPv6 && text == address
    }
    return world.disconnect(target)
      ? "SUCCESS: 1 client(s) at address \(address) killed\r\n"
      : "ERROR: client at address \(address) not found\r\n"
  }
}
