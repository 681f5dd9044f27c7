import Quota

/// How the bytes that OpenVPN counts, of its own packets, are found in the packets inside the tunnel.
///
/// OpenVPN puts 24 bytes around each packet, at least (`P_DATA_V2`, 4 bytes; packet id, 4; tag of an AEAD
/// cipher, 16), which is little for a large one and much for an acknowledgement. And the kernel shows
/// several segments of a TCP stream to the client as one packet (GRO, GSO), with one header. So a user's
/// limit is divided by what a full packet takes, and of other packets a share counts twice. Shares and
/// divisor are rounded such that the kernel never counts more than OpenVPN does.
struct PacketCount: Equatable {
  /// Bytes of the largest packet: the MTU of the tunnel devices, 1500 or more.
  let mtu: Int64
  /// What OpenVPN puts around a packet, at least.
  private static let overhead: Int64 = 24

  /// A kind of packet, of which every `every`th counts once more, `times` in turn.
  struct Share: Equatable {
    let kind: String
    let times: Int64
    let every: Int64

    /// As nft has it.
    var text: String {
      "\(kind) numgen inc mod \(every) \(times == 1 ? "0" : "< \(times)")"
    }
  }

  init(mtu: Int64) { self.mtu = max(mtu, 1500) }

  /// Bytes in the tunnel that are at least so many outside of it.
  func inside(_ bytes: Int64) -> Int64 {
    let (high, low) = bytes.multipliedFullWidth(by: mtu)
    let (quotient, rest) = (mtu + Self.overhead).dividingFullWidth((high, low))
    return quotient + (rest > 0 ? 1 : 0)
  }

  /// Segments of TCP that the kernel shows as one, by the fewest that a packet of such a length has:
  /// without the headers of all but the first, which are larger with timestamps.
  func joined(isIPv6: Bool) -> [Share] {
    [("exists", Int64(32)), ("missing", 20)].flatMap { (word, tcp) in
      let header = (isIPv6 ? 40 : 20) + tcp
      return [(2, 3), (3, 5), (5, 9), (9, 17), (17, Int64(1) << 31)].map {
        (segments: Int64, next: Int64) in
        // segments * mtu / (segments * mtu - lost) - 1
        let lost = (segments - 1) * header
        let longest = min((next - 1) * mtu, Int64(UInt32.max))
        return share(
          "meta length \((segments - 1) * mtu + 1)-\(longest) "
            + "tcp option timestamp \(word)",
          lost, of: segments * mtu - lost)
      }
    }
  }

  /// Small packets, by the largest length of each kind.
  var small: [Share] {
    var first = 0
    return [56, 80, 150, 300, 600].map { (length: Int64) in
      defer { first = Int(length) + 1 }
      // (1 + overhead/length) / (1 + overhead/mtu) - 1
      return share(
        "meta length \(first)-\(length)", Self.overhead * (mtu - length),
        of: length * (mtu + Self.overhead))
    }
  }

  /// A large share is in fifths and so on, that it is not rounded to much less.
  private func share(_ kind: String, _ more: Int64, of whole: Int64) -> Share {
    let times: Int64 = more * 4 > whole ? 5 : 1
    return Share(kind: kind, times: times, every: (whole * times + more - 1) / more)
  }
}
