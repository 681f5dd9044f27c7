import Quota
import TestSupport

/// A VPN host as it really is: servers, clients, who is who and what moved. It knows nothing of how
/// the ledger works.
final class World {
  let terms: HostTerms
  let programs: any Programs
  /// What the wall clock shows, in seconds since 1970; it may be set.
  private(set) var clock: Int64
  /// Seconds that really went by.
  private(set) var elapsed: Int64 = 0
  private(set) var boot: Int64 = 1
  var servers: [Server] = []
  /// All that ever were.
  var sessions: [Session] = []
  /// Disconnect hooks that somebody's wrapper runs later, in the background.
  var late: [(session: Session, call: HookCall, isFinal: Bool)] = []
  /// What is not as it has to be.
  private(set) var failures: [String] = []
  /// What happened, where somebody wants to read it.
  private(set) var story: [String] = []
  private let tellsStory: Bool
  /// How often each thing happened.
  var counts: [Count: Int] = [:]
  /// What the sweep that is under way was shown.
  var seen: [Listing] = []
  var isSweeping = false
  /// Whether nothing goes wrong any more.
  var isCalm = false
  /// What decides how servers answer.
  var listingChance = Chance(seed: 0)
  /// How far the clock is from where it would be had nobody set it.
  var clockDebt: Int64?
  /// How deep in things that happen while others take their time.
  var depth = 0
  private var nextPID: Int64 = 1000
  private var names = 0

  init(_ terms: HostTerms, programs: any Programs, tellsStory: Bool) {
    self.terms = terms
    self.programs = programs
    self.tellsStory = tellsStory
    clock = terms.start
    for (index, kind) in terms.servers.enumerated() {
      servers.append(
        Server(
          name: "s\(index)", pid: newPID(), allowsDuplicates: kind.allowsDuplicates,
          tellsOfRefusals: kind.tellsOfRefusals))
    }
  }

  /// What is counted, to show that it happens at all.
  enum Count: String, CaseIterable { case sessions, refusals, sweeps, disconnections, faults }

  func count(_ what: Count) { counts[what, default: 0] += 1 }

  func newPID() -> Int64 {
    nextPID += 1
    return nextPID
  }

  /// A number that nothing else has.
  func fresh() -> Int {
    names += 1
    return names
  }

  func note(_ text: @autoclosure () -> String) {
    if tellsStory { story.append("\(clock - terms.start)s: \(text())") }
  }

  func fail(_ text: String) {
    failures.append(text)
    note("!!! \(text)")
  }

  /// Time goes by.
  func wait(_ seconds: Int64) {
    elapsed += seconds
    setClock(to: clock + seconds)
  }

  /// Somebody sets the clock.
  func setClock(to time: Int64) {
    clock = time
    for session in sessions { session.see(time) }
  }

  /// The machine is booted: ids of processes and of the boot start over.
  func reboot() {
    boot += 1
    nextPID = 1000
    for server in servers { server.pid = newPID() }
  }

  /// Sessions that somebody of a name has now, on one server.
  func live(_ name: String, on server: Server) -> [Session] {
    server.live.filter { $0.owner == name }
  }

  /// An earlier session that has the same place in every record.
  func twin(of session: Session) -> Session? {
    sessions.last { $0 !== session && $0.hasIdentity(of: session) }
  }
}
