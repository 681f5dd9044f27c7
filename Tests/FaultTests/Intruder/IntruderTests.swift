import Foundation
import Glibc
import System
import TestSupport
import Testing

/// Files that a less privileged user has planted, then every program as root.
@Suite(.enabled(if: getuid() == 0, "only root can be attacked as root"))
struct `Where a file may have been planted` {
  /// Every program, each with all that it opens.
  private static func commands(_ host: AttackedHost) -> [(program: String, arguments: [String])] {
    let results = host.results
    let admin: [[String]] = [
      ["list"], ["show", "alice"], ["add", "carol"], ["set", "carol", "--quota", "1GB"],
      ["usage"], ["top"], ["sessions"], ["export", "--csv"], ["check"], ["notify"],
      ["kick", "carol"], ["import", "\(results)/users.csv"],
      ["report", "--html", "\(results)/page.html"],
      ["metrics", "--output", "\(results)/vpn.prom"], ["backup", "\(results)/copy.db"],
      ["restore", "\(results)/earlier.db", "--yes"],
    ]
    return [("quota-sweep", ["--verbose"]), ("quota-sweep", ["--dry-run"])]
      + admin.map { ("quota-admin", $0) }
      + [("quota-rotate", ["--force", "--verbose"]), ("quota-sweep", [])]
  }

  /// Lets the intruder act, runs everything, and looks at what became of the rest.
  private func attack(
    _ host: AttackedHost, by user: uid_t, _ attack: Attack, ledgerMayGo: Bool
  ) throws {
    try host.shell(attack.script(in: host.state, outside: host.outside), as: user)
    let before = try host.surroundings()
    let session = HookSession("bob", number: 900)
    let others = ["quota-connect", "quota-disconnect"].map { program in
      (
        program,
        program == "quota-connect"
          ? session.connecting : session.disconnecting(received: 5, sent: 5)
      )
    }
    for (program, variables) in others {
      let outcome = try host.hook(program, variables)
      #expect([0, 1].contains(outcome.status), "\(program): \(outcome)")
    }
    for (program, arguments) in Self.commands(host)
    where !ledgerMayGo || arguments.first != "restore" {
      let outcome = try host.run(program, arguments)
      let statuses: Set<Int32> = [0, 1, 2, 64, 65, 69, 73, 74, 77, 78]
      #expect(statuses.contains(outcome.status), "\(program) \(arguments): \(outcome)")
    }
    #expect(try host.surroundings() == before)
  }

  /// alice's usage is in the ledger, bob's still in the journal, when the worker begins.
  @Test(.timeLimit(.minutes(5)), arguments: Attack.all)
  func `by the hooks' user, nothing else changes and the ledger keeps what it knew`(
    _ planted: Attack
  ) throws {
    let host = try AttackedHost()
    try host.run("quota-admin", ["add", "alice"]).requireSuccess()
    try host.serve("alice", number: 1, bytes: 1_000_000)
    #expect(try host.used("alice") == 1_000_000)
    try host.run("quota-admin", ["backup", "\(host.results)/earlier.db"]).requireSuccess()
    try host.serve("bob", number: 2, bytes: 500_000)
    try attack(host, by: AttackedHost.worker, planted, ledgerMayGo: false)
    #expect(try host.used("alice") == 1_000_000)
    // What comes afterwards is metered again.
    try host.serve("alice", number: 3, bytes: 70_000)
    #expect(try host.used("alice") == 1_070_000)
    let state = try FileStatus(of: host.state)
    #expect(state.mode == 0o2750 && state.owner == AttackedHost.account)
  }

  @Test(.timeLimit(.minutes(5)), arguments: Attack.all)
  func `by the account itself, root's files stay as they are`(_ planted: Attack) throws {
    let host = try AttackedHost()
    try host.run("quota-admin", ["add", "alice"]).requireSuccess()
    try host.serve("alice", number: 1, bytes: 1_000_000)
    try attack(host, by: AttackedHost.account, planted, ledgerMayGo: true)
  }

  @Test(.timeLimit(.minutes(2)))
  func `a user of the group who locks all that they can open keeps nobody waiting`() throws {
    let host = try AttackedHost()
    try host.run("quota-admin", ["add", "alice"]).requireSuccess()
    try host.serve("alice", number: 1, bytes: 1_000_000)
    let script = """
      import fcntl, os, sys, time
      os.chdir(sys.argv[1])
      held = []
      for name in ['.'] + os.listdir('.') + ['../log/quota.log', '../log']:
          for flags in (os.O_RDWR, os.O_RDONLY):
              try:
                  held.append(os.open(name, flags))
                  fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
                  fcntl.lockf(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
              except OSError:
                  pass
      print(len(held), flush=True)
      time.sleep(100)
      """
    let holder = Process()
    holder.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
    holder.arguments = [
      "--reuid=\(AttackedHost.worker)", "--regid=\(AttackedHost.account)", "--clear-groups",
      "/usr/bin/python3", "-c", script, host.state,
    ]
    let output = Pipe()
    holder.standardOutput = output
    try holder.run()
    defer { holder.terminate() }
    #expect(!output.fileHandleForReading.availableData.isEmpty)
    let begun = Clock.monotonic
    try host.serve("alice", number: 2, bytes: 70_000)
    for (program, arguments) in [
      ("quota-sweep", []), ("quota-admin", ["set", "alice", "--quota", "1GB"]),
      ("quota-rotate", ["--force"]), ("quota-admin", ["check"]),
    ] {
      let outcome = try host.run(program, arguments)
      #expect(outcome.status != 75, "\(program): \(outcome)")
    }
    #expect(try host.used("alice") == 1_070_000)
    #expect(Clock.monotonic - begun < .seconds(30))
  }
}
