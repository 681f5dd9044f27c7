import Foundation

/// A kernel's nftables of a test's own, in a network namespace, for the programs that run in it.
package final class HeldKernel {
  private let namespaces: Namespaces
  private var kept = ""

  package init() throws {
    Namespaces.clearDead()
    namespaces = Namespaces()
    try namespaces.add("held")
  }

  deinit { namespaces.removeAll() }

  /// Whether this machine lets a test have one. With `CI=true` it always says yes, so that a missing nft
  /// fails there and is never skipped.
  package static var isAvailable: Bool {
    let hasNft = FileManager.default.isExecutableFile(atPath: "/usr/sbin/nft")
    return geteuid() == 0 && Capability.netAdmin.isEffective && hasNft
      || ProcessInfo.processInfo.environment["CI"] == "true"
  }

  /// What a program is started through to be in it.
  package var wrapper: [String] {
    ["/usr/bin/nsenter", "--net=/run/netns/\(namespaces.name("held"))"]
  }

  /// What the tables have, an element a line in any order, but for the number that each batch changes.
  /// Of a quota it is what is left: an object that has counted, and a new one of the next number, may be
  /// as good.
  package func text() throws -> [String] {
    var lines: [String] = []
    var place = ""
    let list = try list().replacing(/(u_[0-9a-f]+)_[0-9]+/) { "\($0.output.1)" }
    for piece in list.split(whereSeparator: { $0 == "," || $0.isNewline }) {
      let words = piece.split { $0.isWhitespace || "{}=".contains($0) }.map(String.init)
      if piece.hasSuffix("{"), words.count == 2 { place = words[1] }
      let isGeneration = place == "generation" && words.first == "elements"
      if !words.isEmpty, !isGeneration {
        let others = words.filter { $0 != "elements" }
        let left = HeldKernel.left(others).map { "\($0) bytes left" }
        lines.append("kernel \(place): \(left ?? others.joined(separator: " "))")
      }
    }
    return lines.sorted()
  }

  /// Bytes that are left of a quota `over 20 mbytes used 100 bytes`; nil for other words.
  private static func left(_ words: [String]) -> Int? {
    let units = ["bytes": 1, "kbytes": 1 << 10, "mbytes": 1 << 20, "gbytes": 1 << 30]
    func amount(_ index: Int) -> Int? {
      guard words.count > index + 1, let unit = units[words[index + 1]] else { return nil }
      return Int(words[index]).map { $0 * unit }
    }
    guard words.first == "over", let size = amount(1) else { return nil }
    return size - (amount(4) ?? 0)
  }

  /// Keeps the tables for `putBack()`.
  package func keep() throws { kept = try list() }

  package func putBack() throws { try replace(kept) }

  /// Has quotas that counted nothing so far have counted something.
  package func count(_ bytes: Int) throws {
    let quotas = /quota \w+ \{\s+over [0-9]+ [a-z]+/
    try replace(try list().replacing(quotas) { "\($0.output) used \(bytes) bytes" })
  }

  /// Waits for the nft of a program that was killed, which goes on by itself.
  package func settle() throws {
    try eventually("nft to end") {
      try Program.run("ip", ["netns", "pids", namespaces.name("held")]).output.isEmpty
    }
  }

  private func list() throws -> String { try nft(["list", "ruleset"]) }

  private func replace(_ text: String) throws {
    _ = try nft(["-f", "-"], input: "flush ruleset\n" + text)
  }

  private func nft(_ arguments: [String], input: String = "") throws -> String {
    let outcome = try Program.run(
      wrapper[0], Array(wrapper.dropFirst()) + ["/usr/sbin/nft"] + arguments, input: input)
    try outcome.requireSuccess()
    return outcome.output
  }
}
