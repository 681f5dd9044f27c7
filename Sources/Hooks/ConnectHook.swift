import Gate
import OpenVPN
import Quota
import System

/// Answers one question before a client costs anything: may this user come in? At a login, too, once
/// the password is right: there the client can be told why not.
///
/// Runs inside OpenVPN's only thread: everybody's traffic waits for it. So it reads a few pages of the
/// access table and the journal's tail, takes no lock, and appends one line.
package struct ConnectHook {
  private let run: HookRun
  private let command: HookCommandLine
  private let settings: HookSettings
  private let client: HookClient
  private let isLogin: Bool

  init(
    _ run: HookRun, _ command: HookCommandLine, _ settings: HookSettings, _ client: HookClient,
    isLogin: Bool = false
  ) {
    self.isLogin = isLogin
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
    var now = run.now()
    var answer = decide(at: now, in: directory)
    if answer.reason == nil, command.script != nil {
      let agrees = scriptAgrees
      // The script took its time; on another server the user may have come in meanwhile.
      now = run.now()
      if !agrees {
        answer.reason = .script
      } else if answer.isLimited {
        answer = decide(at: now, in: directory)
      }
    }
    if isLogin {
      if answer.reason == nil { return true }
      explain(answer, at: now.seconds)
    }
    var record = client.record(
      isLogin ? .auth : answer.reason == nil ? .in : .out, at: now, process: run.process,
      owner: answer.owner)
    record.reason = answer.reason
    do throws(SystemError) { try Journal.append(record, in: directory) } catch {
      run.warn(error.description)
    }
    return answer.reason == nil
  }

  /// Writes what keeps a client out into the file that OpenVPN tells it from.
  private func explain(_ answer: Answer, at time: Int64) {
    guard let reason = answer.reason, let path = run.variable("auth_failed_reason_file") else {
      return
    }
    var text = reason.text
    if reason == .quota, let end = answer.nextPeriod { text += Self.until(end, seenFrom: time) }
    do throws(SystemError) {
      try replaceContents(
        ofOwnFile: String(decoding: path, as: UTF8.self), with: Array(text.utf8).span)
    } catch {
      run.warn(error.description)
    }
  }

  /// ` until 2026-12-01 00:00 UTC (in 4 days)`: the hook knows no other zone, and the user need not
  /// know this one.
  private static func until(_ end: Int64, seenFrom now: Int64) -> String {
    let (year, month, day) = Day(number: end / 86_400).civil
    let minutes = end % 86_400 / 60
    var (left, unit) = (max(2, (end - now + 59) / 60), " minutes)")
    if left >= 90 { (left, unit) = ((left + 30) / 60, " hours)") }
    if unit == " hours)", left >= 36 { (left, unit) = ((left + 12) / 24, " days)") }
    var text = " until "
    // Each of them in one interpolation would take a part of the hooks' size that counts.
    for (number, mark) in [
      (year, "-"), (month, "-"), (day, " "), (minutes / 60, ":"), (minutes % 60, " UTC (in "),
    ] {
      if number < 10 { text += "0" }
      text += String(number) + mark
    }
    return text + String(left) + unit
  }

  /// An answer, as it goes into the journal.
  private struct Answer {
    /// What keeps the client out; nil where nothing does.
    var reason: Reason?
    var owner: [UInt8]
    var isLimited = false
    /// See `Admission`.
    var nextPeriod: Int64?
  }

  /// Whether the script that the server already had, if there is one, lets the client in.
  private var scriptAgrees: Bool { command.script.map(run.scriptAgrees) ?? true }

  /// What the rule says; where it cannot be asked, what the setting `ON_ERROR` says.
  private func decide(
    at now: JournalMoment, in directory: borrowing Directory
  ) -> Answer {
    let isTooLong = client.environment.wouldBreakListing
    do throws(AccessError) {
      let admission = try Admission(
        of: client, replaces: isLogin && !command.hasDuplicateNames, at: now, in: directory)
      if let problem = admission.problem {
        run.warn("\(problem.description); the access table alone decides")
      }
      var answer = Answer(
        owner: admission.owner, isLimited: admission.isLimited, nextPeriod: admission.nextPeriod)
      if case .refused(let reason) = admission.verdict { answer.reason = reason }
      if isTooLong { answer.reason = .nameTooLong }
      return answer
    } catch {
      let owner = client.user(by: .auto, .exact)
      if isTooLong { return Answer(reason: .nameTooLong, owner: owner) }
      let comesIn = run.isAdmittedUnseen(error.description, settings)
      return Answer(reason: comesIn ? nil : .undecided, owner: owner)
    }
  }
}
