import OpenVPN
import Quota
import System

/// The hooks: one program, which does what the script of OpenVPN's that it is run as is for.
package enum Hook {
  /// Does a hook's work.
  ///
  /// - Returns: the exit status: 0 lets a client in, 1 keeps it out; 0 at a disconnection.
  package static func run(_ run: HookRun) -> Int32 {
    var command = HookCommandLine(run.arguments)
    if command.asksForVersion {
      run.say("\(run.program) \(version)")
      return 0
    }
    let settings = HookSettings(config: command.config, reading: run.variable)
    for problem in command.problems + settings.problems { run.warn(problem) }
    do throws(HookEnvironmentError) {
      let script = try HookEnvironment.script(reading: run.variable)
      if script == .login {
        if let status = statusOfVerifier(run, command) { return status }
        command.script = nil
      }
      if script != .login { warnOfOtherName(run, script) }
      return try self.run(run, script, command, settings)
    } catch {
      return fail(run, error, command, settings)
    }
  }

  private static func run(
    _ run: HookRun, _ script: HookEnvironment.Script, _ command: HookCommandLine,
    _ settings: HookSettings
  ) throws(HookEnvironmentError) -> Int32 {
    let environment = try HookEnvironment(
      of: script, namesByLogin: script == .login && command.namesByLogin, reading: run.variable)
    for problem in environment.problems { run.warn(problem.description) }
    let client = HookClient(environment, server: command.server)
    if script != .disconnect {
      return ConnectHook(run, command, settings, client, isLogin: script == .login).answer() ? 0 : 1
    }
    DisconnectHook(run, settings, client).record()
    become(run, command)
    return 0
  }

  /// Asks the program that checks passwords. Only whom it lets in is judged, so nobody learns anything
  /// of an account by a wrong password.
  ///
  /// - Returns: the exit status, 2 where that program answers later; nil where the quota has a say.
  private static func statusOfVerifier(_ run: HookRun, _ command: HookCommandLine) -> Int32? {
    guard let verifier = command.script else {
      run.warn("it checks no passwords, --then PROGRAM has to: nobody may log in")
      return 1
    }
    do throws(SystemError) {
      let status = try run.run(verifier)
      // A client that has a session renegotiates, and the sweep decides about it; before 2.6 the name
      // may be in the file alone, and the connect hook decides.
      let isNew = run.variable("time_unix") == nil && run.variable("username") != nil
      return status == 0 && isNew ? nil : status
    } catch {
      run.warn("\(error.description); nobody may log in")
      return 1
    }
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
