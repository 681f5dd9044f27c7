import CommandSupport
import Glibc
import Hooks

let command = HookCommandLine(Array(CommandLine.arguments.dropFirst()))
if command.asksForVersion {
  print("quota-disconnect \(version)")
} else {
  ClosingDesk(command).close()
}
exit(0)
