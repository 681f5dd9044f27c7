import Gate
import Quota
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
    for (user, former) in sent?.users ?? [:]
    where former != result.users[user] || replaced.contains(user) {
      for object in former.objects(of: user) where isGone(object, of: user) {
        batch.line("delete \(object.kind) \(FenceRules.table) \(object.name)")
      }
    }
    for (user, present) in result.users
    where present != sent?.users[user] || replaced.contains(user) {
      for object in present.objects(of: user) where isNew(object, of: user) {
        batch.line("add \(object.kind) \(FenceRules.table) \(object.name) { \(object.value) }")
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

  /// Whether an object that was sent has to go.
  private func isGone(_ object: SentFence.Object, of user: UInt64) -> Bool {
    object.kind == .quota
      ? result.users[user]?.quota == nil || replaced.contains(user)
      : result.users[user] == nil || result.users[user]?.rates != sent?.users[user]?.rates
  }

  /// Whether an object has to be sent: one that is new, or of another size.
  private func isNew(_ object: SentFence.Object, of user: UInt64) -> Bool {
    object.kind == .quota
      ? sent?.users[user]?.quota == nil || replaced.contains(user) || resized.contains(user)
      : result.users[user]?.rates != sent?.users[user]?.rates
  }

  private func tunnels(of fence: SentFence?) -> Set<String> {
    Set((fence?.places ?? [:]).keys.map { "\"\($0.device)\"" })
  }

  /// What one has and the other has not, or has for another user, or of another object.
  private func changed(from one: SentFence?, to other: SentFence?) -> [SentFence.Entry] {
    guard let one else { return [] }
    var changed: [SentFence.Entry] = []
    for (place, owner) in one.places {
      let (user, otherUser) = (one.users[owner], other?.users[owner])
      let isSame = other?.places[place] == owner
      if isSame, !replaced.contains(owner), let user, user.hasEntries(like: otherUser) { continue }
      let others = isSame ? otherUser?.entries(of: owner, at: place) ?? [] : []
      for entry in user?.entries(of: owner, at: place) ?? [] {
        let isOfOtherObject =
          entry.kind == .quota && replaced.contains(owner)
          || entry.kind == .limit && rerated.contains(owner)
        if isOfOtherObject || !others.contains(entry) { changed.append(entry) }
      }
    }
    return changed
  }
}

extension SentFence {
  /// A named object of the table.
  struct Object {
    let kind: Kind
    let name: String
    /// As nft has it.
    let value: String
  }

  enum Kind: String, CustomStringConvertible {
    case quota, limit

    var description: String { rawValue }
  }

  /// An element of a set or a map.
  struct Entry: Equatable {
    let map: String
    let key: String
    let element: String
    /// Of the object that it leads to.
    let kind: Kind?
  }
}

extension SentFence.User {
  /// Whether the elements of both are the same, as long as their objects are.
  fileprivate func hasEntries(like other: SentFence.User?) -> Bool {
    guard let other else { return false }
    return isRefused == other.isRefused && (quota == nil) == (other.quota == nil)
      && rates == other.rates
  }

  /// Names are hashes: nothing that a person chose.
  fileprivate func objects(of user: UInt64) -> [SentFence.Object] {
    let quota = quota.map {
      SentFence.Object(
        kind: .quota, name: Self.name("u", user), value: "over \($0.size) bytes")
    }
    return (quota.map { [$0] } ?? []) + Self.limits("r", user, rates.rate)
      + Self.limits("t", user, rates.thenRate)
  }

  private static func limits(_ kind: String, _ user: UInt64, _ rate: Rate?) -> [SentFence.Object] {
    guard let rate else { return [] }
    let directions = rate.isShared ? [("", rate.down)] : [("_to", rate.down), ("_from", rate.up)]
    return directions.map { direction, bits in
      // A packet of the kernel's is 64 KiB at most, and has to fit. From 18 GB a second on a rate is
      // too large for the kernel, and none of its batch is taken.
      SentFence.Object(
        kind: .limit, name: name(kind, user) + direction,
        value: "rate over \(min(bits / 8, 10_000_000_000)) bytes/second burst 65536 bytes")
    }
  }

  fileprivate func entries(of user: UInt64, at place: Fence.Place) -> [SentFence.Entry] {
    let family = place.address.bytes.count == 4 ? "4" : "6"
    let key = "\"\(place.device)\" . \(place.address.text)"
    func set(_ name: String) -> SentFence.Entry {
      SentFence.Entry(map: name + family, key: key, element: key, kind: nil)
    }
    func entry(_ map: String, _ object: String, _ kind: SentFence.Kind) -> SentFence.Entry {
      SentFence.Entry(map: map + family, key: key, element: "\(key) : \"\(object)\"", kind: kind)
    }
    if isRefused { return [set("refused")] }
    var entries: [SentFence.Entry] = []
    if quota != nil { entries.append(entry("quota", Self.name("u", user), .quota)) }
    if quota != nil, rates.thenRate != nil { entries.append(set("slowing")) }
    for (map, kind, rate) in [("rate", "r", rates.rate), ("then", "t", rates.thenRate)] {
      guard let rate else { continue }
      for direction in ["from", "to"] {
        let object = Self.name(kind, user) + (rate.isShared ? "" : "_\(direction)")
        entries.append(entry("\(map)_\(direction)", object, .limit))
      }
    }
    return entries
  }

  private static func name(_ kind: String, _ user: UInt64) -> String {
    let digits = String(user, radix: 16)
    return "\(kind)_" + String(repeating: "0", count: 16 - digits.count) + digits
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
