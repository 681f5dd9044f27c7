import TestSupport
final class InProcess: Programs {
  init(_ terms: HostTerms, template: String) throws { fatalError() }
  static func makeTemplate(in folder: TemporaryDirectory) throws -> String { "" }
  func connect(_ call: HookCall, in world: World, _ fault: Fault, script: Int32?, pause: () -> Void) throws -> Bool { false }
  func disconnect(_ call: HookCall, in world: World, _ fault: Fault, pause: () -> Void) throws {}
  func sweep(_ world: World, _ fault: Fault, pause: @escaping () -> Void) throws -> Bool { false }
  func administer(_ change: Change, in world: World) throws -> Bool { false }
  func cutJournal(_ chance: inout Chance) throws {}
  func spoilJournal(_ chance: inout Chance) throws {}
  var database: String { "" }
  var drift: Int64 { 0 }
  var knowsBoots: Bool { true }
  func possible(_ fault: Fault) -> Fault { fault }
}
