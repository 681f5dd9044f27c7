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
  /// The same since the machine's start.
  var uptime: Int64 { elapsed - bootedAt }
  private var bootedAt: Int64 = -100
  var servers: [Server] = []
  /// All that ever were.
  var sessions: [Session] = []
  private(set) var accounts: [Account] = []
  /// The quota of the plan that some users follow.
  var planQuota: Int64 = 0
  var followers: Set<Int> = []
  /// Disconnect hooks that somebody's wrapper runs later, in the background.
  var late: [(session: Session, call: HookCall, isFinal: Bool)] = []
  /// Whether the journal was cut short since the last sweep: hooks cannot read on from the access
  /// table then.
  var isJournalCut = false
  /// What is not as it has to be.
  private(set) var failures: [String] = []
  /// What happened, if it is to be read.
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
  var listingChance = SeededRandom(seed: 0)
  /// How far the clock is from where it would be had nobody set it.
  var clockDebt: Int64?
  /// How deep in things that happen while others take their time.
  var depth = 0
  private var nextPID: Int64 = 1000
  private var numbers = 0

  init(_ terms: HostTerms, programs: any Programs, tellsStory: Bool) {
    self.terms = terms
    self.programs = programs
    self.tellsStory = tellsStory
    clock = terms.start
    for user in terms.users {
      let account = Account(
        number: accounts.count, name: user.name, quota: user.quota, isDaily: user.isDaily)
      account.maxSessions = user.maxSessions
      account.isSlowed = user.isSlowed
      accounts.append(account)
    }
    for (index, kind) in terms.servers.enumerated() {
      servers.append(
        Server(name: "s\(index)", kind: kind, pid: newPID(kind), startedAt: clock))
    }
  }

  /// What is counted, to show that it happens at all.
  enum Count: String, CaseIterable {
    case sessions, refusals, sweeps, disconnections, changes, faults
  }

  func count(_ what: Count) { counts[what, default: 0] += 1 }

  func newPID(_ kind: HostTerms.ServerKind) -> Int64 {
    if kind.isInContainer { return 1 }
    nextPID += 1
    return nextPID
  }

  /// A number that nothing else has.
  func fresh() -> Int {
    numbers += 1
    return numbers
  }

  /// Whose a session is that begins at a second under a name; a stranger is one from then on.
  func account(_ name: String, at second: Int64) -> Account {
    let name = terms.user(named: name)
    if let account = accounts.first(where: { $0.wasNamed(name, at: second) }) { return account }
    let account = Account(
      number: accounts.count, name: name, quota: terms.rules.defaultQuota, isKnown: false,
      isMetered: terms.rules.unknownUsers == .allow)
    if accounts.contains(where: { $0.names.contains { $0.name == name } }) {
      account.begin(at: second)
    }
    accounts.append(account)
    return account
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
    clock += seconds
    for session in sessions {
      if !programs.knowsBoots { session.seeClockChange(by: seconds) }
      session.see(clock)
    }
  }

  /// Somebody sets the clock.
  func setClock(by step: Int64) {
    clock += step
    for session in sessions {
      session.seeClockChange(by: step)
      session.see(clock)
    }
    for account in accounts { account.noteClockChange() }
  }

  /// The machine is booted: ids of processes and of the boot start over.
  func reboot() {
    boot += 1
    bootedAt = elapsed - 20
    nextPID = 1000
    for server in servers {
      server.pid = newPID(server.kind)
      server.startedAt = clock
    }
  }

  /// Sessions of a client's name that are live on one server.
  func live(_ name: String, on server: Server) -> [Session] {
    name.isEmpty ? [] : server.live.filter { $0.spelling == name }
  }
}
