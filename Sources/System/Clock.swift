import CSystem

/// The machine's clocks, read in one place so that everything below takes time as a value.
package enum Clock {
  /// Seconds since 1970 in UTC, as the wall clock has it now.
  package static var now: Int64 { realtime / 1_000_000_000 }

  /// Nanoseconds since 1970 in UTC. The corresponding C constant is `CLOCK_REALTIME`.
  package static var realtime: Int64 { cs_clock_now(CS_REALTIME) }

  /// Nanoseconds since the machine's start, sleep included; never goes back (`CLOCK_BOOTTIME`).
  package static var boottime: Int64 { cs_clock_now(CS_BOOTTIME) }

  /// Time since some fixed moment before the program started; never goes back.
  package static var monotonic: Duration { .nanoseconds(cs_clock_now(CS_MONOTONIC)) }
}

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
