import Support
import Glibc
import Hooks

let command = HookCommandLine(Array(CommandLine.arguments.dropFirst()))
// A global, so that nothing of it is torn down before the process ends.
let door = command.asksForVersion ? nil : Door(command)
if door == nil { print("quota-connect \(version)") }
exit(door?.answer() ?? true ? 0 : 1)
