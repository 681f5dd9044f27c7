/// The command line of a hook, as the server's config gives it:
/// `quota-connect [--config PATH] [--then PROGRAM [ARGUMENT…]] [FILE]`.
///
/// Read without a library, which would double the hook's start. A hook never stops at a bad command
/// line: it complains and does its work.
package struct HookCommandLine: Equatable, Sendable {
  /// The argument of `--config`.
  package private(set) var config: String?
  /// The script the server already had, and its arguments, to hand over to; empty for none. The
  /// file name that OpenVPN appends to a connect hook's arguments is its last.
  package private(set) var successor: [String] = []
  /// Whether only the version is asked for.
  package private(set) var asksForVersion = false
  /// What was wrong.
  package private(set) var problems: [String] = []

  /// - Parameter arguments: without the program's own name.
  package init(_ arguments: [String]) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--config":
        config = rest.popFirst()
        if config == nil { problems.append("--config wants the path of a file") }
      case "--then":
        successor = Array(rest)
        if successor.first?.hasPrefix("/") != true {
          problems.append("--then wants the absolute path of a program")
          successor = []
        }
        return
      case "--version": asksForVersion = true
      default:
        // OpenVPN appends the name of a file to a connect hook's arguments; it is not for us.
        if argument.hasPrefix("-") { problems.append("unknown option \(argument)") }
      }
    }
  }
}
