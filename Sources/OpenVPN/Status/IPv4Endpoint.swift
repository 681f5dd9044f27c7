/// A client's IPv4 address and port: the one form of a real address that `kill` can use.
///
/// `kill IP:port` exists up to OpenVPN 2.6; it never finds an IPv6 client, nor an IPv4 client on a
/// dual-stack socket, whose listing row looks the same (`man_kill`, manage.c; tried on 2.6.14).
/// From 2.7 a listing shows `udp4:10.77.0.2:50245`, and plain `IP:port` would be taken for a common
/// name there.
package struct IPv4Endpoint: Hashable, Sendable {
  /// `10.77.0.2:35040`
  package let text: [UInt8]

  /// Reads a listing's real address.
  ///
  /// - Returns: nil for everything but four numbers to 255 and a port from 1 to 65535: an IPv6
  ///   address, and the prefixed forms of 2.7.
  package init?(realAddress: ArraySlice<UInt8>) {
    let halves = realAddress.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard halves.count == 2, Self.isNumber(halves[1], of: 5, in: 1...65535) else { return nil }
    let parts = halves[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4, parts.allSatisfy({ Self.isNumber($0, of: 3, in: 0...255) }) else {
      return nil
    }
    text = Array(realAddress)
  }

  private static func isNumber(
    _ digits: ArraySlice<UInt8>, of most: Int, in range: ClosedRange<Int64>
  ) -> Bool {
    digits.count <= most && Bytes.number(digits.span, in: range) != nil
  }
}
