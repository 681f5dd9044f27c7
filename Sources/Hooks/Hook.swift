import OpenVPN
import Quota
import System

/// The hooks: one program, which does what the script of OpenVPN's that it is run as is for.
package enum Hook {
  /// Does a hook's work.
  ///
  /// - Returns: the exit status: 0 lets a client in, 1 keeps it out; 0 at a disconnection.
  package static func run(_ run: HookRun) -> Int32 {
    let command = HookCommandLine(run.arguments)
    if command.asksForVersion {
      run.say("\(run.program) \(version)")
      return 0
    }
    let settings = HookSettings(config: command.config, reading: run.variable)
    for problem in command.problems + settings.problems { run.warn(problem) }
    do throws(HookEnvironmentError) {
      let script = try HookEnvironment.script(reading: run.variable)
      if script == .login {
        // A yes would let in clients without a password.
        run.warn("it does not check logins; it is for client-connect and client-disconnect")
        return 1
      }
      warnOfOtherName(run, script)
      return try self.run(run, script, command, settings)
    } catch {
      return fail(run, error, command, settings)
    }
  }

  private static func run(
    _ run: HookRun, _ script: HookEnvironment.Script, _ command: HookCommandLine,
    _ settings: HookSettings
  ) throws(HookEnvironmentError) -> Int32 {
    let environment = try HookEnvironment(of: script, reading: run.variable)
    for problem in environment.problems { run.warn(problem.description) }
    let client = HookClient(environment, server: command.server)
    if script == .connect {
      return ConnectHook(run, command, settings, client).answer() ? 0 : 1
    }
    DisconnectHook(run, settings, client).record()
    become(run, command)
    return 0
  }

  /// The environment is none that OpenVPN gives a hook: what the program's name is for decides.
  private static func fail(
    _ run: HookRun, _ error: HookEnvironmentError, _ command: HookCommandLine,
    _ settings: HookSettings
  ) -> Int32 {
    if run.isCalled(disconnectName) {
      run.warn(error.description)
      become(run, command)
      return 0
    }
    guard run.isAdmittedUnseen(error.description, settings) else { return 1 }
    return command.script.map(run.scriptAgrees) ?? true ? 0 : 1
  }

  /// Becomes the script that the server already had, if there is one.
  private static func become(_ run: HookRun, _ command: HookCommandLine) {
    if let script = command.script { run.warn(run.become(script).description) }
  }

  private static let connectName: StaticString = "quota-connect"
  private static let disconnectName: StaticString = "quota-disconnect"

  /// A hook that the server's config has for the other script still does the right thing.
  private static func warnOfOtherName(_ run: HookRun, _ script: HookEnvironment.Script) {
    let (right, wrong, directive) =
      script == .connect
      ? (connectName, disconnectName, "client-connect")
      : (disconnectName, connectName, "client-disconnect")
    if run.isCalled(wrong) {
      run.warn("it is the server's \(directive) script, which is to be \(right); it does its work")
    }
  }
}
