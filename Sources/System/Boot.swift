/// The present boot of the machine.
package enum Boot {
  /// A number that no other boot has: the first 60 bits of the kernel's boot id, 0 where it cannot
  /// be read. Process ids and clocks repeat after a boot, this does not.
  package static func current(
    from path: String = "/proc/sys/kernel/random/boot_id"
  ) -> Int64 {
    guard let file = try? Descriptor(readingWithoutWaiting: path),
      let text = try? file.readStart(atMost: 64, of: path)
    else { return 0 }
    return number(text)
  }

  /// The boot as the service manager says in `QUOTA_BOOT_ID`, else as the kernel does.
  ///
  /// A container has a boot id of its own, mounted over the kernel's file. A sandbox that gives a
  /// service another `/proc` (`ProtectProc=`, `ProtectKernelTunables=`, `ProtectControlGroups=`)
  /// brings the host's to light, and every session would look like another one than the hooks saw.
  package static func toldOrCurrent() -> Int64 {
    guard let told = Environment.value(of: "QUOTA_BOOT_ID") else { return current() }
    let number = number(told)
    return number == 0 ? current() : number
  }

  private static func number(_ text: [UInt8]) -> Int64 {
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
