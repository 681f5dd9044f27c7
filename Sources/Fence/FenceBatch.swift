import Gate
import Quota
import System

extension FenceUpdate {
  /// The batch for `nft -f`, which the kernel takes whole or not at all. It fails where the table is not
  /// the one that was sent last.
  package var batch: [UInt8] {
    if isEmpty { return [] }
    var batch = Batch()
    if isAnew {
      batch.line("add table \(FenceRules.table)")
      batch.line("delete table \(FenceRules.table)")
      batch.append(rules.text)
    } else if let sent {
      batch.element("delete", "generation", "\(sent.generation)")
    }
    batch.element("add", "generation", "\(result.generation)")
    let (tunnels, former) = (Self.tunnels(of: result), Self.tunnels(of: sent))
    batch.elements("add", tunnels.subtracting(former).map { ("tunnels", $0) })
    let (gone, new) = (Self.parts(of: sent, not: result), Self.parts(of: result, not: sent))
    batch.elements("delete", gone.elements.map { ($0.map, $0.key) })
    // An object that is added again under its name gets another size, and keeps its count.
    let names = Set(new.objects.map(\.name))
    for object in gone.objects where !names.contains(object.name) {
      batch.line("delete \(object.kind) \(FenceRules.table) \(object.name)")
    }
    for object in new.objects {
      batch.line("add \(object.kind) \(FenceRules.table) \(object.name) { \(object.value) }")
    }
    batch.elements("add", new.elements.map { ($0.map, $0.text) })
    batch.elements("delete", former.subtracting(tunnels).map { ("tunnels", $0) })
    return batch.bytes
  }

  /// The batch that takes all away.
  package static var removal: [UInt8] {
    Array("add table \(FenceRules.table)\ndelete table \(FenceRules.table)\n".utf8)
  }

  private static func tunnels(of fence: SentFence?) -> Set<String> {
    Set((fence?.places ?? [:]).keys.map { "\"\($0.device)\"" })
  }

  /// The objects and elements of one fence that another does not have.
  private static func parts(
    of one: SentFence?, not other: SentFence?
  ) -> (objects: [SentFence.Object], elements: [SentFence.Element]) {
    guard let one else { return ([], []) }
    var parts: (objects: [SentFence.Object], elements: [SentFence.Element]) = ([], [])
    for (hash, user) in one.users where user != other?.users[hash] {
      let others = other?.users[hash]?.objects(of: hash) ?? []
      parts.objects += user.objects(of: hash).filter { !others.contains($0) }
    }
    for (place, owner) in one.places {
      guard let user = one.users[owner] else { continue }
      let otherUser = other?.places[place] == owner ? other?.users[owner] : nil
      if user == otherUser { continue }
      let others = otherUser?.elements(of: owner, at: place) ?? []
      parts.elements += user.elements(of: owner, at: place).filter { !others.contains($0) }
    }
    return parts
  }
}

extension SentFence {
  /// A named object of the table. One that counts anew has a new name.
  struct Object: Equatable {
    /// `quota` or `limit`.
    let kind: String
    let name: String
    /// As nft has it.
    let value: String
  }

  /// An element of a set or a map.
  struct Element: Equatable {
    let map: String
    let key: String
    let text: String
  }
}

extension SentFence.User {
  /// Names are hashes: nothing that a person chose.
  fileprivate func objects(of user: UInt64) -> [SentFence.Object] {
    var objects: [SentFence.Object] = []
    if let quota {
      objects.append(
        SentFence.Object(
          kind: "quota", name: name(quota, of: user), value: "over \(quota.size) bytes"))
    }
    for (kind, rate) in [("r", rates.rate), ("t", rates.thenRate)] {
      guard let rate else { continue }
      for direction in rate.isShared ? ["from"] : ["from", "to"] {
        // A packet of the kernel's is 64 KiB at most, and has to fit.
        objects.append(
          SentFence.Object(
            kind: "limit", name: name(kind, rate, direction, of: user),
            value: "rate over \(bytes(rate, direction)) bytes/second burst 65536 bytes"))
      }
    }
    return objects
  }

  fileprivate func elements(of user: UInt64, at place: Fence.Place) -> [SentFence.Element] {
    let family = FenceRules.family(of: place.network)
    let key = "\"\(place.device)\" . \(place.network)"
    func element(_ map: String, _ object: String? = nil) -> SentFence.Element {
      SentFence.Element(
        map: map + family, key: key, text: object.map { "\(key) : \"\($0)\"" } ?? key)
    }
    if isRefused { return [element("refused")] }
    var elements: [SentFence.Element] = []
    if let quota {
      elements.append(element("quota", name(quota, of: user)))
      if rates.thenRate != nil {
        elements.append(element("slowing"))
      } else if quota.isShare {
        elements.append(element("waiting"))
      }
    }
    for (map, kind, rate) in [("rate", "r", rates.rate), ("then", "t", rates.thenRate)] {
      guard let rate else { continue }
      for direction in ["from", "to"] {
        elements.append(element("\(map)_\(direction)", name(kind, rate, direction, of: user)))
      }
    }
    return elements
  }

  private func name(_ quota: SentFence.Quota, of user: UInt64) -> String {
    "u_\(digits(user))_\(quota.number)"
  }

  /// The kernel does not change the rate of an object, so it is in the name.
  private func name(
    _ kind: String, _ rate: Rate, _ direction: String, of user: UInt64
  ) -> String {
    "\(kind)_\(digits(user))_\(rate.isShared ? "both" : direction)_\(bytes(rate, direction))"
  }

  /// Bytes a second. From 18 GB on a rate is too large for the kernel, and none of its batch is taken.
  private func bytes(_ rate: Rate, _ direction: String) -> Int64 {
    min((direction == "to" ? rate.down : rate.up) / 8, 10_000_000_000)
  }

  private func digits(_ user: UInt64) -> String {
    let digits = String(user, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// A batch in the making.
private struct Batch {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ text: String) { bytes += text.utf8 }

  mutating func line(_ text: String) { append("\(text)\n") }

  mutating func element(_ verb: String, _ set: String, _ element: String) {
    line("\(verb) element \(FenceRules.table) \(set) { \(element) }")
  }

  /// One command for all of a set.
  mutating func elements(_ verb: String, _ elements: [(set: String, element: String)]) {
    var bySet: [String: [UInt8]] = [:]
    for (set, element) in elements {
      bySet[set, default: []] += element.utf8
      bySet[set, default: []] += ", ".utf8
    }
    for (set, text) in bySet.sorted(by: { $0.key < $1.key }) {
      append("\(verb) element \(FenceRules.table) \(set) { ")
      bytes += text.dropLast(2)
      append(" }\n")
    }
  }
}
