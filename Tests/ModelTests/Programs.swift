import TestSupport

/// What OpenVPN tells a hook.
struct HookCall {
  let server: String
  let boot: Int64
  let pid: Int64
  let since: Int64
  let address: String
  /// The name it goes by at that moment; not verified.
  let commonName: String
  let realAddress: String
  /// The final counters; nil where OpenVPN has none, and at the connect hook.
  var counters: Usage?
  /// Seconds from its beginning to its end.
  var duration: Int64 = 0
}

/// The programs under test, called as OpenVPN and the timer call them.
protocol Programs: AnyObject {
  /// Runs the connect hook.
  ///
  /// - Parameter pause: what happens elsewhere while the hook hangs.
  /// - Returns: whether the client comes in.
  func connect(_ call: HookCall, in world: World, _ fault: Fault, pause: () -> Void) throws -> Bool

  /// Runs the disconnect hook.
  ///
  /// - Returns: where the final counters surely are.
  func disconnect(
    _ call: HookCall, in world: World, _ fault: Fault, pause: () -> Void
  ) throws -> Told

  /// Runs a sweep, which asks the world for listings and tells it whom to disconnect.
  ///
  /// - Parameter pause: what happens between two steps of the sweep.
  /// - Returns: whether it came to its end.
  func sweep(_ world: World, _ fault: Fault, pause: @escaping () -> Void) throws -> Bool

  /// Where the database is, for the checks.
  var database: String { get }
  /// Seconds by which their clock may be ahead of the world's.
  var drift: Int64 { get }
  /// Whether they can be told of another boot.
  var knowsBoots: Bool { get }

  /// The fault that takes the place of one that cannot be brought about here.
  func possible(_ fault: Fault) -> Fault
}

/// Where word of a session's end surely is.
enum Told { case nowhere, spool, ledger }
