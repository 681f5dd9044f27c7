/// The present boot of the machine.
package enum Boot {
  /// A number that no other boot has: the first 60 bits of the kernel's boot id, 0 where it cannot
  /// be read. Process ids and clocks repeat after a boot, this does not.
  package static func current(
    from path: String = "/proc/sys/kernel/random/boot_id"
  ) -> Int64 {
    guard let text = try? contents(ofFile: path, limit: 64) else { return 0 }
    var number: Int64 = 0
    var digits = 0
    for byte in text where digits < 15 {
      guard let digit = hexadecimalDigit(byte) else { continue }
      number = number << 4 | Int64(digit)
      digits += 1
    }
    return number
  }
}

/// The value of a hexadecimal digit, nil for any other byte.
package func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
