import Foundation
import Synchronization

/// The network namespaces of one host, called `oq<pid>-<number>-<name>`.
package struct Namespaces {
  /// Where `ip netns` keeps them.
  private static let registry = "/run/netns"

  private let prefix: String
  /// A folder path that belongs to these namespaces and goes by their name.
  let folder: String

  /// How many this process made so far.
  private static let made = Mutex(0)

  package init() {
    // A dead process of the same id may have left some.
    let taken = Namespaces.entries().map(\.name)
    prefix = Namespaces.made.withLock { made in
      repeat { made += 1 } while taken.contains { $0.hasPrefix("oq\(getpid())-\(made)") }
      return "oq\(getpid())-\(made)"
    }
    folder = Namespaces.folders + "/" + prefix
  }

  package func name(_ name: String) -> String { prefix + "-" + name }

  /// Makes a namespace with its loopback up.
  package func add(_ name: String) throws {
    try Namespaces.ip(["netns", "add", self.name(name)])
    try Namespaces.ip(["-n", self.name(name), "link", "set", "lo", "up"])
  }

  /// Joins two namespaces by a veth pair made inside them.
  ///
  /// - Parameter network: the number of the networks 10.77.N.0/24 and fd77:N::/64; `hub` gets the
  ///   address 1 of both and `name`, on its `eth0`, the address 2.
  func join(_ name: String, to hub: String, network: Int) throws {
    func addresses(_ host: Int, on device: String) -> String {
      """
      addr add 10.77.\(network).\(host)/24 dev \(device)
      addr add fd77:\(network)::\(host)/64 dev \(device) nodad
      link set \(device) up

      """
    }
    try Namespaces.ip(
      ["-n", self.name(hub), "-batch", "-"],
      input: "link add \(name) type veth peer name eth0 netns \(self.name(name))\n"
        + addresses(1, on: name))
    try Namespaces.ip(["-n", self.name(name), "-batch", "-"], input: addresses(2, on: "eth0"))
  }

  /// Removes the namespaces, with a kill for whatever still runs in them.
  package func removeAll() {
    for entry in Namespaces.entries() where entry.name.hasPrefix(prefix + "-") {
      Namespaces.remove(entry.name)
    }
  }

  /// Removes the namespaces and folders of runs whose process is dead; another may be at it as well.
  package static func clearDead() {
    for entry in entries() where kill(entry.owner, 0) != 0 && errno == ESRCH {
      if entry.isFolder {
        try? FileManager.default.removeItem(atPath: folders + "/" + entry.name)
      } else {
        remove(entry.name)
      }
    }
  }

  /// Runs iproute2 and throws what it complained about.
  static func ip(_ arguments: [String], input: String = "") throws {
    let outcome = try Program.run("ip", arguments, input: input)
    guard outcome.status == 0 else {
      throw RealHostError("ip \(arguments.joined(separator: " ")): \(outcome.errors)")
    }
  }

  private static var folders: String {
    let path = FileManager.default.temporaryDirectory.path
    return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  private static func remove(_ namespace: String) {
    if let inside = try? Program.run("ip", ["netns", "pids", namespace]) {
      for process in inside.output.split(separator: "\n").compactMap({ pid_t($0) }) {
        kill(process, SIGKILL)
      }
    }
    try? ip(["netns", "del", namespace])
  }

  /// Every namespace, and every folder of root's, that goes by a name of ours.
  private static func entries() -> [(name: String, owner: pid_t, isFolder: Bool)] {
    [(registry, false), (folders, true)].flatMap { path, isFolder in
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      return names.compactMap { name -> (name: String, owner: pid_t, isFolder: Bool)? in
        guard let match = name.wholeMatch(of: /oq([0-9]+)-.*/), let owner = pid_t(match.1) else {
          return nil
        }
        if isFolder {
          let attributes = try? FileManager.default.attributesOfItem(atPath: path + "/" + name)
          guard attributes?[.type] as? FileAttributeType == .typeDirectory,
            attributes?[.ownerAccountID] as? Int == 0
          else { return nil }
        }
        return (name, owner, isFolder)
      }
    }
  }
}
