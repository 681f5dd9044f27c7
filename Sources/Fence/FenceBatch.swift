import System

extension FenceUpdate {
  /// The batch for `nft -f`, which the kernel takes whole or not at all. It fails where the table is not
  /// the one that was sent last.
  package var batch: [UInt8] {
    var batch = Batch()
    if isAnew {
      batch.line("add table \(FenceRules.table)")
      batch.line("delete table \(FenceRules.table)")
      batch.append(rules.text)
    } else if let sent {
      batch.element("delete", "generation", "\(sent.generation)")
    }
    batch.element("add", "generation", "\(result.generation)")
    batch.elements(
      "add", tunnels(of: result).subtracting(tunnels(of: sent)).map { ("tunnels", $0) })
    batch.elements("delete", changed(from: sent, to: result).map { ($0.map, $0.key) })
    for (user, former) in sent?.users ?? [:] where former.quota != nil {
      if result.users[user]?.quota == nil || replaced.contains(user) {
        batch.line("delete quota \(FenceRules.table) \(Self.name(user))")
      }
    }
    for (user, present) in result.users {
      guard let quota = present.quota else { continue }
      if sent?.users[user]?.quota == nil || replaced.contains(user) || resized.contains(user) {
        batch.line(
          "add quota \(FenceRules.table) \(Self.name(user)) { over \(quota.size) bytes }")
      }
    }
    batch.elements("add", changed(from: result, to: sent).map { ($0.map, $0.element) })
    batch.elements(
      "delete", tunnels(of: sent).subtracting(tunnels(of: result)).map { ("tunnels", $0) })
    return batch.bytes
  }

  /// The batch that takes all away.
  package static var removal: [UInt8] {
    Array("add table \(FenceRules.table)\ndelete table \(FenceRules.table)\n".utf8)
  }

  /// The name of a user's quota object: nothing that a person chose.
  static func name(_ user: UInt64) -> String {
    let digits = String(user, radix: 16)
    return "u_" + String(repeating: "0", count: 16 - digits.count) + digits
  }

  private func tunnels(of fence: SentFence?) -> Set<String> {
    Set((fence?.places ?? [:]).keys.map { "\"\($0.device)\"" })
  }

  /// An element of a set or a map.
  private struct Entry {
    let map: String
    let key: String
    let element: String
  }

  /// What one has and the other has not, or has for another user, in another map or of another object.
  private func changed(from one: SentFence?, to other: SentFence?) -> [Entry] {
    guard let one else { return [] }
    return one.places.compactMap { place, user in
      let isKept =
        other?.places[place] == user && !replaced.contains(user)
        && (other?.users[user]?.quota == nil) == (one.users[user]?.quota == nil)
      return isKept ? nil : Self.entry(place, user, one)
    }
  }

  private static func entry(_ place: Fence.Place, _ user: UInt64, _ fence: SentFence) -> Entry {
    let family = place.address.bytes.count == 4 ? "4" : "6"
    let key = "\"\(place.device)\" . \(place.address.text)"
    return fence.users[user]?.quota == nil
      ? Entry(map: "refused\(family)", key: key, element: key)
      : Entry(map: "quota\(family)", key: key, element: "\(key) : \"\(name(user))\"")
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

extension FenceUpdate {
  /// Reads what `nft -j list quotas` writes, of the objects in our table.
  package static func counts(_ text: [UInt8]) -> Counts {
    var counts: Counts = [:]
    let object = Array("{\"quota\": ".utf8)
    let bytes = text.span
    var start = bytes.firstIndex(of: object.span, from: 0)
    while let begin = start {
      start = bytes.firstIndex(of: object.span, from: begin + object.count)
      let entry = bytes.extracting(begin..<(start ?? bytes.count))
      guard let table = value("\"table\": \"", in: entry), isOurs(entry.extracting(table...)),
        let name = value("\"name\": \"u_", in: entry), name + 16 <= entry.count,
        let user = UInt64(
          String(decoding: [UInt8](entry.extracting(name..<name + 16)), as: UTF8.self), radix: 16),
        let used = value("\"used\": ", in: entry).flatMap({ entry.number(at: $0)?.value })
      else { continue }
      counts[user] = used
    }
    return counts
  }

  /// Where the value of a member begins.
  private static func value(_ member: StaticString, in entry: Span<UInt8>) -> Int? {
    let text = Array(member.description.utf8)
    return entry.firstIndex(of: text.span, from: 0).map { $0 + text.count }
  }

  private static func isOurs(_ table: Span<UInt8>) -> Bool {
    let name = Array("openvpn_quota\"".utf8)
    return table.count >= name.count && [UInt8](table.extracting(..<name.count)) == name
  }
}
