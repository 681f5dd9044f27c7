import CommandSupport
import Glibc
import Hooks

let command = HookCommandLine(Array(CommandLine.arguments.dropFirst()))
let comesIn: Bool
if command.asksForVersion {
  print("quota-connect \(version)")
  comesIn = true
} else {
  comesIn = Door(command).answer()
}
exit(comesIn ? 0 : 1)
