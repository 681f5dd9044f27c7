import Gate
import OpenVPN
import Quota
import System

/// Answers one question before a client costs anything: may this user come in?
///
/// Runs inside OpenVPN's only thread: everybody's traffic waits for it. So it reads a few pages of the
/// access table and the journal's tail, takes no lock, and appends one line.
package struct ConnectHook {
  private let run: HookRun
  private let command: HookCommandLine
  private let settings: HookSettings
  private let client: HookClient

  init(_ run: HookRun, _ command: HookCommandLine, _ settings: HookSettings, _ client: HookClient) {
    self.run = run
    self.command = command
    self.settings = settings
    self.client = client
  }

  /// Decides, and after a yes runs the script that the server already had, which may still say no.
  ///
  /// - Returns: whether the client may come in.
  func answer() -> Bool {
    do throws(SystemError) { return answer(in: try Directory(settings.directory)) } catch {
      // Without the directory there is neither a table nor a journal.
      return run.isAdmittedUnseen(error.description, settings) && scriptAgrees
    }
  }

  private func answer(in directory: borrowing Directory) -> Bool {
    var (verdict, owner, isLimited) = decide(in: directory)
    if verdict.isAllowed, command.script != nil {
      if !scriptAgrees {
        verdict = .refused(.script)
      } else if isLimited {
        // The script took its time; on another server the user may have come in meanwhile.
        (verdict, owner, _) = decide(in: directory)
      }
    }
    let now = run.now()
    var record = client.record(
      verdict.isAllowed ? .in : .out, at: now, process: run.process, owner: owner)
    if case .refused(let reason) = verdict { record.reason = reason }
    do throws(SystemError) { try Journal.append(record, in: directory) } catch {
      run.warn(error.description)
    }
    return verdict.isAllowed
  }

  /// Whether the script that the server already had, if there is one, lets the client in.
  private var scriptAgrees: Bool { command.script.map(run.scriptAgrees) ?? true }

  /// What the rule says; where it cannot be asked, what the setting `ON_ERROR` says.
  private func decide(
    in directory: borrowing Directory
  ) -> (verdict: Verdict, owner: [UInt8], isLimited: Bool) {
    do throws(AccessError) {
      let admission = try Admission(of: client, at: run.now(), in: directory)
      if let problem = admission.problem {
        run.warn("\(problem.description); the access table alone decides")
      }
      let isTooLong = client.environment.wouldBreakListing
      return (
        isTooLong ? .refused(.nameTooLong) : admission.verdict, admission.owner, admission.isLimited
      )
    } catch {
      let owner = client.user(by: .auto, .exact)
      if client.environment.wouldBreakListing { return (.refused(.nameTooLong), owner, false) }
      let comesIn = run.isAdmittedUnseen(error.description, settings)
      return (comesIn ? .allowed(at: nil) : .refused(.undecided), owner, false)
    }
  }
}
