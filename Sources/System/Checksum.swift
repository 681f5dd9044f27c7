import CSystem

/// A checksum against damage, of 64 bits. It is no protection: who can write can compute it.
///
/// It is made for speed, as a hook checks some pages of the access table in each run.
package func checksum(_ bytes: Span<UInt8>) -> UInt64 {
  unsafe bytes.withUnsafeBytes { unsafe cs_checksum($0.baseAddress, $0.count) }
}
