import Support
import Glibc
import Hooks

let command = HookCommandLine(Array(CommandLine.arguments.dropFirst()))
// A global, so that nothing of it is torn down before the process ends.
let desk = command.asksForVersion ? nil : ClosingDesk(command)
if desk == nil { print("quota-disconnect \(version)") }
desk?.close()
exit(0)
