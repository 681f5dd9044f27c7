/// How an `end` fits a session that its server, process and second have in common with it; the first
/// is best.
///
/// Real addresses change where a client floats, virtual ones where the server pushes others, and two
/// sessions of one second can share either; so no single one decides.
enum SessionFit: Int, Comparable {
  /// The real address with its port and the virtual address are the same.
  case clientAndAddress
  /// The real address with its port is.
  case client
  /// The virtual address is.
  case address
  /// Neither is: it is the session's if that is the only one.
  case none

  static func < (left: SessionFit, right: SessionFit) -> Bool { left.rawValue < right.rawValue }
}
