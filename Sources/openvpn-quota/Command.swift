import Admin
import Support

/// The commands that this one executable is, each a link to it under the command's name: the code
/// that they share is installed once.
enum Command: String, CaseIterable {
  case admin = "quota-admin"
  case sweep = "quota-sweep"
  case rotate = "quota-rotate"
  case fence = "quota-fence"

  /// - Parameter path: what the program was started as; under any other name it is quota-admin.
  init(named path: String) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    self = Command(rawValue: name) ?? .admin
  }

  /// Parses the command line and runs the command.
  ///
  /// - Returns: how the program ends.
  func run() -> ExitStatus {
    let diagnostics = DiagnosticPrinter(program: rawValue)
    return switch self {
    case .admin: AdminProgram.run(RawArguments.all)
    case .sweep: diagnostics.run(SweepCommand.run)
    case .rotate: diagnostics.run(RotateCommand.run)
    case .fence: diagnostics.run(FenceCommand.run)
    }
  }
}
