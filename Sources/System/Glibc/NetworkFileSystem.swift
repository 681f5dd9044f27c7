import CSystem

/// A file system on another machine.
package struct NetworkFileSystem: Sendable {
  /// What it is called: `NFS`.
  package let name: String

  /// The one that a path leads to; nil where the disk is this machine's, or nothing is known of it. The
  /// corresponding C function is `statfs`.
  package init?(of path: String) {
    let type = unsafe path.withCString { unsafe cs_file_system_of($0) }
    // linux/magic.h, and the sources of cifs.
    let names: [Int64: String] = [
      0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "SMB", 0xFE53_4D42: "SMB", 0x0102_1997: "9P",
      0x00C3_6400: "Ceph", 0x5346_414F: "AFS",
    ]
    guard let name = names[type] else { return nil }
    self.name = name
  }
}
