import Gate
import Quota
import Support
import System
import TestSupport
import Testing

@testable import Ledger
@testable import Sync

@Suite(.enabled(if: PostgresCluster.isInstalled)) struct HostSyncTests {
  @Test func `A user seen first on two hosts is one user, and every host knows the sum`() throws {
    let hosts = try TestHosts("a", "b", "c")
    try hosts[0].use("alice", 100)
    try hosts[1].use("alice", 20, 3)
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 123, "\(host.name)") }
    try hosts[2].use("alice", 1000)
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 1123, "\(host.name)") }
    // A second time nothing new is said.
    try hosts.settle()
    let again = try hosts[0].run()
    #expect(again == HostSync.Outcome())
  }

  @Test
  func
    `A user over the quota by the sum is refused everywhere, and a grant lets them in everywhere`()
    throws
  {
    let hosts = try TestHosts("a", "b", "c")
    try hosts[0].change { ledger in
      _ = try ledger.users.add("alice", Terms(quota: 1000), at: Clock.now)
    }
    for host in hosts.hosts { try host.run() }
    try hosts[1].use("alice", 600)
    try hosts[2].use("alice", 300)
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.verdict(of: "alice") == .allowed(at: nil)) }
    try hosts[0].use("alice", 100)
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.verdict(of: "alice") == .refused(.quota)) }
    try hosts[2].change { ledger in
      _ = try ledger.grants.give(500, to: "alice", isCarried: false, note: "", at: Clock.now)
    }
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.verdict(of: "alice") == .allowed(at: nil)) }
  }

  @Test
  func `A host that joins late has plans and grants that are older or newer than their users`()
    throws
  {
    let hosts = try TestHosts("a", "b", joining: false)
    try hosts[0].join()
    try hosts[0].change { ledger in
      try ledger.plans.add("basic", Terms(quota: 100), at: Clock.now)
      _ = try ledger.users.add("alice", Terms(), plan: "basic", at: Clock.now)
      _ = try ledger.users.add("bob", Terms(), plan: "basic", at: Clock.now)
    }
    try hosts[0].change { ledger in
      _ = try ledger.grants.give(30, to: "bob", isCarried: false, note: "", at: Clock.now)
    }
    var edit = TermsEdit()
    edit.quota = .set(200)
    try hosts[0].change { _ = try $0.plans.change("basic", edit, at: Clock.now) }
    try hosts[0].change { _ = try $0.users.setEnabled(false, "bob", at: Clock.now) }
    try hosts[1].join()
    #expect(try hosts[1].entitlement(of: "alice")?.limit == 200)
    #expect(try hosts[1].entitlement(of: "bob")?.limit == 230)
    #expect(hosts[1].warnings == [])
  }

  @Test func `A reset on one host lets usage start over on all`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].change { ledger in
      _ = try ledger.users.add("alice", Terms(quota: 1000), at: Clock.now)
    }
    try hosts[1].run()
    try hosts[0].use("alice", 700)
    try hosts[1].use("alice", 700)
    try hosts.settle()
    try hosts[1].change { _ = try $0.users.reset("alice", at: Clock.now) }
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 0) }
    try hosts[0].use("alice", 5)
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 5) }
  }

  @Test func `Of two administrators at once the second is told, and nothing of theirs is done`()
    throws
  {
    let hosts = try TestHosts("a", "b")
    try hosts[0].change { _ = try $0.users.add("alice", Terms(quota: 1000), at: Clock.now) }
    try hosts[1].run()
    let edit = { (quota: Int64) in
      { (ledger: Ledger) in
        var edit = TermsEdit()
        edit.quota = .set(quota)
        _ = try ledger.users.change("alice", edit, at: Clock.now)
      }
    }
    try hosts[0].change(edit(2000))
    #expect(throws: SyncError.changedElsewhere) { try hosts[1].change(edit(3000)) }
    #expect(throws: SyncError.changedElsewhere) {
      try hosts[1].change { ledger in
        _ = try ledger.users.add("bob", Terms(), at: Clock.now)
        try edit(3000)(ledger)
      }
    }
    try hosts.settle()
    for host in hosts.hosts {
      #expect(try host.entitlement(of: "alice")?.quota == 2000)
      #expect(try host.entitlement(of: "bob") == nil)
    }
    try hosts[1].change(edit(3000))
    try hosts[0].run()
    #expect(try hosts[0].entitlement(of: "alice")?.quota == 3000)
  }

  @Test func `A name given on two hosts at once is given once`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].change { _ = try $0.users.add("alice", Terms(quota: 1), at: Clock.now) }
    let error = #expect(throws: SyncError.self) {
      try hosts[1].change { _ = try $0.users.add("alice", Terms(quota: 2), at: Clock.now) }
    }
    #expect(error == .changedElsewhere || error == .nameTaken)
    #expect(error?.exitStatus == .locked)
  }

  @Test func `A removed user's namesake begins with nothing`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].change { _ = try $0.users.add("alice", Terms(quota: 1000), at: Clock.now) }
    try hosts[1].run()
    try hosts[1].use("alice", 400)
    try hosts.settle()
    try hosts[0].change { _ = try $0.users.remove("alice", purgingHistory: false, at: Clock.now) }
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.entitlement(of: "alice") == nil) }
    try hosts[1].change { _ = try $0.users.add("alice", Terms(quota: 1000), at: Clock.now) }
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 0) }
  }

  @Test func `Sessions on other hosts count for sessions at once, until their host is forgotten`()
    throws
  {
    let hosts = try TestHosts("a", "b")
    try hosts[0].change { ledger in
      _ = try ledger.users.add("alice", Terms(maxSessions: 1), at: Clock.now)
    }
    try hosts[1].run()
    try hosts[1].connect("alice")
    try hosts.settle()
    #expect(try hosts[0].sessionsElsewhere(of: "alice") == 1)
    #expect(try hosts.centre().remove("b"))
    try hosts[0].run()
    #expect(try hosts[0].sessionsElsewhere(of: "alice") == 0)
    #expect(try !hosts.centre().remove("nobody"))
    // It is back.
    try hosts[1].run()
    try hosts[0].run()
    #expect(try hosts[0].sessionsElsewhere(of: "alice") == 1)
    // What it does for an administrator first does not hide that it was forgotten.
    _ = try hosts.centre().remove("b")
    try hosts[1].change { _ = try $0.users.setEnabled(false, "alice", at: Clock.now) }
    try hosts[1].run()
    try hosts[0].run()
    #expect(try hosts[0].sessionsElsewhere(of: "alice") == 1)
    #expect(try hosts.centre().hosts().map(\.hasLeft) == [false, false])
  }

  @Test func `A host with history joins, and nothing is counted twice`() throws {
    let hosts = try TestHosts("a", "b", joining: false)
    let centre = try hosts.centre()
    for (host, quota) in zip(hosts.hosts, [1000, 5000] as [Int64]) {
      _ = try host.ledger().users.add("alice", Terms(quota: quota), at: Clock.now)
      try host.use("alice", 100)
    }
    _ = try hosts[1].ledger().users.add("bob", Terms(quota: 7), at: Clock.now)
    try hosts[0].join()
    let preview = try hosts[1].sync().preview()
    #expect(preview == .init(known: 1, users: 1, plans: 0, facts: 1))
    #expect(try hosts[1].ledger().hosts.membership() == nil)
    try hosts[1].join()
    try hosts.settle()
    for host in hosts.hosts {
      #expect(try host.used("alice") == 200)
      #expect(try host.entitlement(of: "alice")?.quota == 1000)
      #expect(try host.entitlement(of: "bob")?.quota == 7)
    }
    #expect(try centre.hosts().map(\.host) == ["a", "b"])
  }

  @Test func `A host that leaves goes on by itself, and the others keep what was used there`()
    throws
  {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 10)
    try hosts[1].use("alice", 5)
    try hosts.settle()
    try hosts[1].connect("alice")
    try hosts[1].sync().leave(alone: false)
    #expect(try hosts[1].used("alice") == 5)
    #expect(throws: SyncError.notJoined) { try hosts[1].run() }
    try hosts[0].run()
    #expect(try hosts[0].used("alice") == 15)
    #expect(try hosts[0].sessionsElsewhere(of: "alice") == 0)
    #expect(try hosts.centre().hosts().map(\.hasLeft) == [false, true])
    // It comes again, with the same ledger.
    try hosts[1].join()
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 15) }
  }

  @Test func `A clone is refused, and the other one goes on`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 10)
    try hosts.settle()
    let clone = try TestHost("a", hosts.database.settings)
    clone.move(to: try hosts[0].copyFiles())
    clone.machine = "another machine"
    try hosts[0].use("alice", 1)
    try hosts[0].run()
    try clone.use("alice", 500)
    #expect(throws: SyncError.copied(host: "a", sameMachine: false)) { try clone.run() }
    clone.machine = hosts[0].machine
    clone.settings.syncInterval = 3600
    #expect(throws: SyncError.copied(host: "a", sameMachine: true)) { try clone.run() }
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 11) }
  }

  @Test func `A host restored from a backup takes back what the centre has of it`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 10)
    try hosts.settle()
    let backup = try hosts[0].copyFiles()
    try hosts[0].use("alice", 90)
    try hosts[1].use("alice", 1)
    try hosts.settle()
    hosts[0].move(to: backup)
    try hosts.database.execute("UPDATE quota_hosts SET heard_at = heard_at - 1000")
    #expect(try hosts[0].run().wasRestored)
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 101) }
    try hosts[0].use("alice", 5)
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 106) }
  }

  @Test func `A centre restored from an old dump is told all anew`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].change { _ = try $0.users.add("alice", Terms(quota: 1000), at: Clock.now) }
    try hosts.settle()
    let dump = try hosts.database.dump()
    try hosts[0].use("alice", 300)
    try hosts[1].change { _ = try $0.users.add("bob", Terms(quota: 50), at: Clock.now) }
    try hosts[1].use("bob", 20)
    try hosts.settle()
    try hosts.database.restore(dump)
    try hosts.database.execute("UPDATE quota_hosts SET heard_at = heard_at - 1000")
    try hosts.settle()
    let known = try hosts.centre().facts(above: 0, upTo: .max) { _ in }
    #expect(known.filter { $0.kind == .user }.compactMap(\.uniqueName).count == 2)
    // One who comes later hears of both.
    let late = try TestHost("c", hosts.database.settings)
    try late.join()
    for host in hosts.hosts + [late] {
      #expect(try host.used("alice") == 300)
      #expect(try host.used("bob") == 20)
      #expect(try host.entitlement(of: "bob")?.quota == 50)
    }
  }

  @Test func `What a host did last before the centre was restored comes back, removals too`() throws
  {
    let hosts = try TestHosts("a", "b", "c")
    for name in ["alice", "bob", "carol"] as [UserName] {
      try hosts[0].change { _ = try $0.users.add(name, Terms(quota: 1000), at: Clock.now) }
    }
    try hosts.settle()
    try hosts.settle()
    let dump = try hosts.database.dump()
    // Nothing is told after these but by c, which hears of none of them.
    try hosts[0].change {
      _ = try $0.grants.give(500, to: "alice", isCarried: false, note: "", at: Clock.now)
    }
    try hosts[0].change { _ = try $0.users.remove("bob", purgingHistory: false, at: Clock.now) }
    try hosts[0].change { try $0.plans.add("basic", Terms(quota: 7), at: Clock.now) }
    try hosts[1].run()
    try hosts[1].change { _ = try $0.users.rename("carol", to: "anna", at: Clock.now) }
    try hosts[1].change { _ = try $0.users.add("carol", Terms(quota: 5), at: Clock.now) }
    try hosts.database.restore(dump)
    try hosts.database.execute("UPDATE quota_hosts SET heard_at = heard_at - 1000")
    // One who knows of nothing counts on from the dump.
    try hosts[2].change { _ = try $0.users.add("dora", Terms(quota: 4), at: Clock.now) }
    try hosts[0].use("alice", 5)
    for host in hosts.hosts.prefix(2) { try host.run() }
    // So has one that hears with a change that others gave back.
    try hosts[2].change { _ = try $0.users.add("eve", Terms(quota: 3), at: Clock.now) }
    #expect(try hosts[2].entitlement(of: "alice")?.granted == 500)
    try hosts.settle()
    try hosts.settle()
    let late = try TestHost("d", hosts.database.settings)
    try late.join()
    for host in hosts.hosts + [late] {
      #expect(try host.entitlement(of: "alice")?.granted == 500, "\(host.name)")
      #expect(try host.used("alice") == 5, "\(host.name)")
      #expect(try host.entitlement(of: "bob") == nil, "\(host.name)")
      #expect(try host.entitlement(of: "anna")?.quota == 1000, "\(host.name)")
      #expect(try host.entitlement(of: "carol")?.quota == 5, "\(host.name)")
      #expect(try host.entitlement(of: "dora")?.quota == 4, "\(host.name)")
      #expect(try host.ledger().plans.named("basic")?.terms.quota == 7, "\(host.name)")
    }
    // And then there is nothing more to tell.
    for host in hosts.hosts { #expect(try host.run() == HostSync.Outcome(), "\(host.name)") }
  }

  @Test func `A user whom a restored centre lost, and another host saw since, is one user`() throws
  {
    let hosts = try TestHosts("a", "b")
    try hosts.settle()
    let dump = try hosts.database.dump()
    try hosts[0].change { _ = try $0.users.add("alice", Terms(quota: 1000), at: Clock.now) }
    try hosts[0].use("alice", 300)
    try hosts[0].run()
    try hosts.database.restore(dump)
    try hosts.database.execute("UPDATE quota_hosts SET heard_at = heard_at - 1000")
    try hosts[1].use("alice", 20)
    try hosts[1].run()
    try hosts.settle()
    try hosts.settle()
    for host in hosts.hosts {
      #expect(try host.used("alice") == 320, "\(host.name)")
      #expect(try host.entitlement(of: "alice")?.quota == 1000, "\(host.name)")
    }
    let known = try hosts.centre().facts(above: 0, upTo: .max) { _ in }
    #expect(known.count { $0.kind == .user } == 1)
  }

  @Test func `A host that joined after the dump was made is there again by itself`() throws {
    let hosts = try TestHosts("a")
    let dump = try hosts.database.dump()
    let late = try TestHost("b", hosts.database.settings)
    try late.join()
    try late.use("alice", 70)
    try late.run()
    try hosts.database.restore(dump)
    try hosts.database.execute("UPDATE quota_hosts SET heard_at = heard_at - 1000")
    #expect(try late.run().wasRestored)
    try hosts[0].run()
    #expect(try hosts[0].used("alice") == 70)
  }

  @Test func `A host whose row in the centre was deleted is heard again`() throws {
    let hosts = try TestHosts("a", "b")
    for _ in 0..<3 {
      try hosts[1].use("alice", 1)
      try hosts.settle()
    }
    try hosts.database.execute("DELETE FROM quota_hosts WHERE host = 'b'")
    try hosts[1].use("alice", 10)
    #expect(try hosts[1].run().wasRestored)
    try hosts[0].run()
    #expect(try hosts[0].used("alice") == 13)
  }

  @Test func `A backup that was made while the host spoke is an older one, too`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 10)
    try hosts.settle()
    _ = try hosts[0].ledger().hosts.drawToken()
    let backup = try hosts[0].copyFiles()
    try hosts[0].use("alice", 90)
    try hosts[0].run()
    hosts[0].move(to: backup)
    try hosts.database.execute("UPDATE quota_hosts SET heard_at = heard_at - 1000")
    #expect(try hosts[0].run().wasRestored)
    try hosts[1].run()
    for host in hosts.hosts { #expect(try host.used("alice") == 100) }
  }

  @Test func `A ledger has one name in the centre, though it left or was forgotten`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 10)
    try hosts.settle()
    try hosts[0].sync().leave(alone: false)
    #expect(throws: SyncError.known(as: "a")) { _ = try hosts[0].sync().join(as: "c") }
    #expect(try hosts[0].ledger().hosts.membership() == nil)
    try hosts[0].join()
    #expect(try hosts.centre().remove("a"))
    // A hurry: the centre is gone for good, they say.
    hosts[0].settings.sync = ""
    try hosts[0].sync().leave(alone: true)
    hosts[0].settings.sync = hosts.database.settings
    #expect(throws: SyncError.known(as: "a")) { _ = try hosts[0].sync().join(as: "c") }
    // Nor has a copy of it another one, nor its own, while it is there.
    try hosts[0].join()
    let copy = try TestHost("c", hosts.database.settings)
    copy.move(to: try hosts[0].copyFiles())
    try copy.sync().leave(alone: true)
    #expect(throws: SyncError.known(as: "a")) { _ = try copy.sync().join(as: "c") }
    #expect(throws: SyncError.hostTaken("a")) { _ = try copy.sync().join(as: "a") }
    try hosts.settle()
    for host in hosts.hosts { #expect(try host.used("alice") == 10) }
  }

  @Test func `A plan is not removed while another host gives it to a user, nor given once removed`()
    throws
  {
    let hosts = try TestHosts("a", "b")
    try hosts[0].change { try $0.plans.add("basic", Terms(quota: 100), at: Clock.now) }
    try hosts[0].change { try $0.plans.add("b\"ig", Terms(quota: 200), at: Clock.now) }
    try hosts[0].change { _ = try $0.users.add("alice", Terms(), at: Clock.now) }
    // A user's name is no plan.
    try hosts[0].change { _ = try $0.users.add("basic", Terms(quota: 1), at: Clock.now) }
    try hosts.settle()
    let follow = { (plan: String) in
      { (ledger: Ledger) in
        _ = try ledger.users.change("alice", TermsEdit(), plan: .set(plan), at: Clock.now)
      }
    }
    try hosts[0].change { try $0.plans.remove("basic", at: Clock.now) }
    let error = #expect(throws: SyncError.self) { try hosts[1].change(follow("basic")) }
    #expect(error == .planRemoved("basic") && error?.exitStatus == .locked)
    try hosts.settle()
    try hosts[1].change(follow("b\"ig"))
    #expect(throws: SyncError.planInUse("b\"ig")) {
      try hosts[0].change { try $0.plans.remove("b\"ig", at: Clock.now) }
    }
    try hosts.settle()
    for host in hosts.hosts {
      #expect(try host.entitlement(of: "alice")?.quota == 200)
      #expect(try host.ledger().plans.all().map(\.name) == ["b\"ig"])
      #expect(host.warnings.isEmpty, "\(host.warnings)")
    }
  }

  @Test(arguments: [true, false])
  func `A change whose commit was not answered is done once`(isCommitted: Bool) throws {
    let hosts = try TestHosts("a", "b")
    let proxy = try LosingProxy(to: hosts.database.cluster, isCommitted: isCommitted)
    hosts[0].settings.sync = proxy.settings(of: hosts.database.name)
    try hosts[0].change { _ = try $0.users.add("alice", Terms(quota: 1000), at: Clock.now) }
    #expect(proxy.hasLost)
    try hosts[1].run()
    for host in hosts.hosts {
      #expect(try host.entitlement(of: "alice")?.quota == 1000)
      #expect(host.warnings.isEmpty, "\(host.warnings)")
    }
  }

  @Test func `The run that hears of the others again lets users in`() throws {
    let hosts = try TestHosts("a", "b")
    hosts[0].settings.syncStale = Staleness(after: 60, .reject)
    try hosts[0].change { _ = try $0.users.add("alice", Terms(quota: 1000), at: Clock.now) }
    try hosts[0].run()
    try hosts[0].ledger().database.run(
      "UPDATE meta SET value = value - 100 WHERE name = 'sync.heard'")
    let ledger = try hosts[0].ledger()
    #expect(ledger.rules.isStale)
    let sync = HostSync(ledger, hosts[0].settings, machine: hosts[0].machine) { _, _ in }
    try sync.run()
    #expect(!ledger.rules.isStale)
    try ledger.accessTable.publish(
      AccessSettings(onError: .allow, identifyBy: .auto), at: .now)
    var table = try AccessTable(in: Directory(hosts[0].folder.path))
    let user = try #require(try table.user(named: Array("alice".utf8)))
    #expect(user.used < user.limit)
  }

  @Test func `A host that the centre has no more joins again, and tells all anew`() throws {
    let hosts = try TestHosts("a", "b")
    try hosts[0].use("alice", 10)
    try hosts[1].use("alice", 5)
    try hosts.settle()
    try hosts.database.execute(
      """
      DELETE FROM quota_days; DELETE FROM quota_usage; DELETE FROM quota_hosts; DELETE FROM quota_facts;
      UPDATE quota_centre SET version = 0, identity = 'made anew'
      """)
    #expect(throws: SyncError.notJoined) { try hosts[0].run() }
    for host in hosts.hosts { try host.join() }
    // One who comes later hears of it.
    let late = try TestHost("c", hosts.database.settings)
    try late.join()
    try hosts.settle()
    for host in hosts.hosts + [late] { #expect(try host.used("alice") == 15, "\(host.name)") }
  }

  @Test(arguments: 1...4)
  func `All hosts know the truth in the end, though one is away for a while`(seed: UInt64) throws {
    let hosts = try TestHosts("a", "b", "c")
    var chance = SeededRandom(seed: seed)
    let users: [UserName] = ["alice", "bob", "carol"]
    var truth: [UserName: Int64] = [:]
    for step in 0..<40 {
      let host = hosts.hosts.randomElement(using: &chance) ?? hosts[0]
      let user = users.randomElement(using: &chance) ?? "alice"
      switch Int.random(in: 0..<8, using: &chance) {
      case 0...3:
        let bytes = Int64.random(in: 1...1000, using: &chance)
        try host.use(user, bytes)
        truth[user, default: 0] += bytes
      case 4:
        host.settings.sync = "host=/nowhere"
        #expect(throws: PostgresError.self) { try host.run() }
        host.settings.sync = hosts.database.settings
      case 5:
        // In the middle of whatever it does, a commit too.
        let cut = hosts.database.cut(after: .random(in: 0...60_000, using: &chance))
        do { try host.run() } catch is PostgresError {}
        cut.wait()
      default: try host.run()
      }
      for host in hosts.hosts where step % 10 == 9 {
        for user in users {
          #expect(try host.used(user) <= truth[user] ?? 0, "seed \(seed), step \(step)")
        }
      }
    }
    try hosts.settle()
    for host in hosts.hosts {
      for user in users where truth[user] != nil {
        #expect(try host.used(user) == truth[user], "seed \(seed), \(user) on \(host.name)")
      }
    }
  }
}
