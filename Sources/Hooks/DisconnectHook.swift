import Gate
import OpenVPN
import Quota
import System

/// Writes the end of a session, with its final counters, into the journal.
///
/// Runs inside OpenVPN's only thread, so it takes no lock and waits for nothing.
package struct DisconnectHook {
  private let run: HookRun
  private let settings: HookSettings
  private let client: HookClient

  init(_ run: HookRun, _ settings: HookSettings, _ client: HookClient) {
    self.run = run
    self.settings = settings
    self.client = client
  }

  /// Appends the record. That it cannot be written is told; OpenVPN does not ask for more.
  func record() {
    let record = client.record(
      .end, at: run.now(), process: run.process, owner: client.user(by: .auto, .exact))
    do throws(SystemError) {
      try Journal.append(record, in: try Directory(settings.directory))
    } catch {
      run.warn(error.description)
    }
  }
}
