import Glibc
import System
import Quota
import Synchronization

extension Zone {
  /// Where the zone files are.
  static let directory = "/usr/share/zoneinfo"

  /// The zone whose rules the C library has from this machine's zone files.
  ///
  /// Never the `TZ` of the person who runs the program: the process's own `TZ` is replaced (`setenv`,
  /// `tzset`) when a time is first converted, which is also when the file is read, so that a
  /// program that never asks pays nothing. Several zones may be in use side by side.
  ///
  /// - Parameter name: an IANA name that the setting `TIME_ZONE` accepted; empty for
  ///   `/etc/localtime`.
  package static func system(named name: String) -> Zone {
    let file = name.isEmpty ? ":/etc/localtime" : ":\(directory)/\(name)"
    return Zone { time in
      current.withLock { present in
        if present != file {
          unsafe setenv("TZ", file, 1)
          tzset()
          present = file
        }
        var seconds = time_t(time)
        var broken = unsafe tm()
        guard unsafe localtime_r(&seconds, &broken) != nil else { return 0 }
        return unsafe Int(broken.tm_gmtoff)
      }
    }
  }

  /// The value that `TZ` was last given here.
  private static let current = Mutex("")

  /// Whether a name is that of a zone file which can be read: relative, of letters, digits and
  /// `_ + - /`, no dots, and beginning as `tzfile(5)` says.
  package static func isReadable(_ name: String) -> Bool {
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case 48...57, 65...90, 97...122: true
      case UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"): true
      default: false
      }
    }
    guard isPlain, !name.isEmpty, name.utf8.first != UInt8(ascii: "/") else { return false }
    let file = try? Descriptor(readingWithoutWaiting: "\(directory)/\(name)")
    return (try? file?.readStart(atMost: 4)) == Array("TZif".utf8)
  }
}
