import CSystem

/// The memory of this process.
package enum Memory {
  /// From here on large blocks go back to the system when they are freed. A sweep has several of some
  /// megabytes, one after the other, and would keep them all.
  package static func returnLargeBlocks() { cs_return_blocks(128 << 10) }
}
