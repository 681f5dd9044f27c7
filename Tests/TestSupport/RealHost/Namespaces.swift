import Foundation

/// The network namespaces of one host, called `oq<pid>-<number>-<name>`.
struct Namespaces {
  /// Where `ip netns` keeps them.
  private static let registry = "/run/netns"

  private let prefix: String
  /// A folder path that belongs to these namespaces and goes by their name.
  let folder: String

  init() {
    let taken = Namespaces.entries().map(\.name)
    let number = (0...).first { number in
      let prefix = "oq\(getpid())-\(number)"
      return !taken.contains { $0 == prefix || $0.hasPrefix(prefix + "-") }
    }
    prefix = "oq\(getpid())-\(number ?? 0)"
    folder = Namespaces.folders + "/" + prefix
  }

  func name(_ name: String) -> String { prefix + "-" + name }

  /// Makes a namespace with its loopback up.
  func add(_ name: String) throws {
    try Namespaces.ip(["netns", "add", self.name(name)])
    try Namespaces.ip(["-n", self.name(name), "link", "set", "lo", "up"])
  }

  /// Joins two namespaces by a veth pair made inside them.
  ///
  /// - Parameter network: the first three bytes of an IPv4 network; `hub` gets its address 1 and
  ///   `name`, on its `eth0`, address 2.
  func join(_ name: String, to hub: String, network: String) throws {
    try Namespaces.ip(
      ["-n", self.name(hub), "-batch", "-"],
      input: """
        link add \(name) type veth peer name eth0 netns \(self.name(name))
        addr add \(network).1/24 dev \(name)
        link set \(name) up

        """)
    try Namespaces.ip(
      ["-n", self.name(name), "-batch", "-"],
      input: """
        addr add \(network).2/24 dev eth0
        link set eth0 up

        """)
  }

  /// Removes the namespaces, with a kill for whatever still runs in them.
  func removeAll() {
    for entry in Namespaces.entries() where entry.name.hasPrefix(prefix + "-") {
      Namespaces.remove(entry.name)
    }
  }

  /// Removes the namespaces and folders of runs whose process is dead.
  static func clearDead() throws {
    for entry in entries() where kill(entry.owner, 0) != 0 && errno == ESRCH {
      if entry.isFolder {
        try FileManager.default.removeItem(atPath: folders + "/" + entry.name)
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
