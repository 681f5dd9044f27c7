import Gate
import System

/// The hooks' program, called by its C `main`.
///
/// - Returns: the exit status.
@c(quota_hook) public func quotaHook(
  _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> Int32 {
  let arguments = unsafe ProcessArguments(count, arguments)
  let boot = Boot.current()
  return Hook.run(
    HookRun(
      arguments: arguments.all, variable: Environment.value,
      now: {
        JournalMoment(
          realtime: Clock.realtime, boottime: Clock.boottime, boot: boot == 0 ? nil : boot)
      },
      process: System.processID, run: arguments.run, become: arguments.become,
      say: { StandardStream.output.writeLine($0) }, complain: { StandardStream.error.writeLine($0) }
    ))
}
