/// A client's address and port in the form that `kill` takes.
///
/// Up to OpenVPN 2.6 that is what a listing shows, `10.77.0.2:35040`. From 2.7 on `kill` wants
/// `udp:10.77.0.2:35040` or `tcp:…` where a listing shows `udp4:…` or `tcp4-server:…`, and would take
/// a plain address for a common name. No release finds an IPv6 client, nor an IPv4 client on a socket
/// for both families, which 2.7 lists as `udp6:10.77.0.2:39808` and 2.6 like any other (`man_kill`,
/// manage.c; tried on 2.6.14 and 2.7.6).
package struct KillAddress: Hashable, Sendable {
  /// `10.77.0.2:35040` or `udp:10.77.0.2:35040`
  package let text: [UInt8]
  /// Whether it is in the form of 2.7.
  package let namesProtocol: Bool

  /// Reads a listing's real address.
  ///
  /// - Returns: nil for what no `kill` finds.
  package init?(realAddress: ArraySlice<UInt8>) {
    var parts = realAddress.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    var name: String?
    if parts.count == 3 {
      switch String(decoding: parts.removeFirst(), as: UTF8.self) {
      case "udp4": name = "udp"
      case "tcp4-server", "tcp4": name = "tcp"
      default: return nil
      }
    }
    guard parts.count == 2, Self.isNumber(parts[1], of: 5, in: 1...65535) else { return nil }
    let host = parts[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard host.count == 4, host.allSatisfy({ Self.isNumber($0, of: 3, in: 0...255) }) else {
      return nil
    }
    namesProtocol = name != nil
    text = (name.map { Array("\($0):".utf8) } ?? []) + parts[0] + [UInt8(ascii: ":")] + parts[1]
  }

  private static func isNumber(
    _ digits: ArraySlice<UInt8>, of most: Int, in range: ClosedRange<Int64>
  ) -> Bool {
    digits.count <= most && Bytes.number(digits.span, in: range) != nil
  }
}
