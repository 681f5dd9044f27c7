import Glibc
import TestSupport
import Testing

/// A program in a situation, to be killed there at every system call it makes.
struct TortureCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let program: String
  /// `FOLDER` in these is the host's folder.
  var arguments: [String] = []
  /// The variables that OpenVPN gives a hook; empty for other programs.
  var environment: @Sendable (TorturedHost) -> [String: String] = { _ in [:] }
  /// Whether it speaks to a kernel's tables, which the host has then.
  var isInKernel = false
  /// How it ends where nobody kills it.
  var status: Int32 = 0
  /// How it may end when it runs again after all was done already.
  var statusAgain: Int32?
  /// See `LedgerProbe.faults(hasAllHistory:)`.
  var hasAllHistory = true
  let prepare: @Sendable (TorturedHost) throws -> Void

  static let all = hooks + keepers + administration
}

extension TortureCase {
  /// The hooks in all that they find.
  static let hooks = [
    TortureCase(
      testDescription: "a client is let in", program: "quota-connect",
      environment: { $0.hook("client-connect") },
      prepare: { try $0.sweep() }),
    TortureCase(
      testDescription: "a client is refused", program: "quota-connect",
      environment: { $0.hook("client-connect") }, status: 1,
      prepare: { host in
        try host.admin("add", "alice")
        try host.admin("disable", "alice")
      }),
    TortureCase(
      testDescription: "the end of a refused client", program: "quota-disconnect",
      environment: { $0.hook("client-disconnect") },
      prepare: { host in
        try host.admin("add", "alice")
        try host.admin("disable", "alice")
        try host.run("quota-connect", host.hook("client-connect"), expecting: 1)
      }),
    TortureCase(
      testDescription: "the end of a session that was swept", program: "quota-disconnect",
      environment: { $0.hook("client-disconnect") },
      prepare: { try $0.beginSession() }),
    TortureCase(
      testDescription: "the end of a session that no sweep saw", program: "quota-disconnect",
      environment: { $0.hook("client-disconnect") },
      prepare: { host in
        try host.sweep()
        try host.run("quota-connect", host.hook("client-connect"))
      }),
    TortureCase(
      testDescription: "a login is let through", program: "quota-connect",
      arguments: ["--then", "/bin/true"], environment: { $0.login },
      prepare: { try $0.sweep() }),
    TortureCase(
      testDescription: "a login is told why it is refused", program: "quota-connect",
      arguments: ["--then", "/bin/true"], environment: { $0.login }, status: 1,
      prepare: { host in
        try host.admin("add", "alice")
        try host.admin("disable", "alice")
        try host.write("", to: "reason")
      }),
    TortureCase(
      testDescription: "a login with a wrong password", program: "quota-connect",
      arguments: ["--then", "/bin/false"], environment: { $0.login }, status: 1,
      prepare: { host in
        try host.admin("add", "alice")
        try host.admin("disable", "alice")
        try host.write("", to: "reason")
      }),
  ]

  /// What timers start.
  static let keepers = [
    TortureCase(
      testDescription: "a sweep with sessions, ends in the journal and a user over quota",
      program: "quota-sweep",
      prepare: { host in
        try host.server.populate(8, prefix: "user", received: 1000, sent: 2000)
        try host.admin("add", "user1", "--quota", "5kB")
        try host.sweep()
        try host.server.addTraffic(received: 1000, sent: 3000)
        try host.addSessions(3)
        try host.run("quota-connect", host.hook("client-connect"))
      }),
    TortureCase(
      testDescription: "a sweep that rotates the journal", program: "quota-sweep",
      prepare: { host in
        try host.sweep()
        try host.addSessions(2)
        try host.lengthenJournal()
        try host.addSessions(3)
      }),
    TortureCase(
      testDescription: "a sweep that removes the journal before", program: "quota-sweep",
      prepare: { host in
        try host.sweep()
        try host.lengthenJournal()
        try host.sweep()
        try host.addSessions(2)
      }),
    TortureCase(
      testDescription: "the first sweep, on the database of the earlier project",
      program: "quota-sweep", hasAllHistory: false,
      prepare: { host in
        try host.server.populate(2, prefix: "user", received: 1000, sent: 2000)
        try host.execute(earlierProject)
      }),
    TortureCase(
      testDescription: "a rotation of the log and of history", program: "quota-rotate",
      hasAllHistory: false,
      prepare: { host in
        try host.sweep()
        try host.probe.addOldEvents(700)
        try host.fillLogs()
      }),
  ]

  /// What people do.
  static let administration = [
    TortureCase(
      testDescription: "a user is added", program: "quota-admin",
      arguments: ["add", "bob", "--quota", "1GB"], statusAgain: 65,
      prepare: { try $0.beginSession() }),
    TortureCase(
      testDescription: "a quota is set", program: "quota-admin",
      arguments: ["set", "alice", "--quota", "2GB", "--period", "month"],
      prepare: { try $0.beginSession() }),
    TortureCase(
      testDescription: "users are imported", program: "quota-admin",
      arguments: ["import", "FOLDER/users.csv"],
      prepare: { host in
        try host.beginSession()
        let users = (1...12).map { "user\($0),1000000000\n" }
        try host.write(
          "name,quota_bytes\n" + users.joined() + "alice,3000000000\n", to: "users.csv")
      }),
    TortureCase(
      testDescription: "a backup is made", program: "quota-admin",
      arguments: ["backup", "FOLDER/copies/backup.db"],
      prepare: { host in
        try host.beginSession()
        try host.admin("backup", host.folder + "/copies/backup.db")
      }),
    TortureCase(
      testDescription: "metrics are written", program: "quota-admin",
      arguments: ["metrics", "--output", "FOLDER/copies/vpn.prom"],
      prepare: { try $0.beginSession() }),
    TortureCase(
      testDescription: "the pages of users are written", program: "quota-admin",
      arguments: ["pages"],
      prepare: { host in
        for number in 1...5 { try host.admin("add", "user\(number)", "--quota", "1GB") }
        try host.run("quota-admin", [:], ["pages"])
        try host.admin("disable", "user1", "user2")
        try host.admin("remove", "--yes", "user3")
        try host.admin("add", "user6")
      }),
    TortureCase(
      testDescription: "a backup is restored", program: "quota-admin",
      arguments: ["restore", "--yes", "FOLDER/copies/backup.db"],
      prepare: { host in
        try host.beginSession()
        try host.admin("backup", host.folder + "/copies/backup.db")
        try host.admin("add", "carol", "--quota", "3GB")
      }),
  ]
  /// The fence, which tells the kernel whom it has to hold.
  static let fence = [
    TortureCase(
      testDescription: "users are held for the first time", program: "quota-fence",
      isInKernel: true, prepare: { try $0.addHeldUsers() }),
    TortureCase(
      testDescription: "users come and go and get other quotas", program: "quota-fence",
      isInKernel: true,
      prepare: { host in
        try host.addHeldUsers()
        try host.fence()
        try host.admin("set", "user1", "--quota", "20MB")
        try host.admin("set", "user5", "--rate", "2Mbit")
        try host.admin("disable", "user4")
        try host.run("quota-disconnect", host.hook("client-disconnect", of: 2))
        try host.run("quota-connect", host.hook("client-connect", of: 6))
      }),
    TortureCase(
      testDescription: "a sweep knows better than the kernel what passed", program: "quota-fence",
      isInKernel: true,
      prepare: { host in
        try host.addHeldUsers()
        try host.fence()
        try host.kernel?.count(3_000_000)
        // Sweeps are told apart by their seconds.
        sleep(1)
        try host.server.addTraffic(received: 1_000_000, sent: 4_000_000)
        try host.sweep()
        try host.admin("grant", "user2", "30MB")
      }),
    TortureCase(
      testDescription: "nobody is held any more", program: "quota-fence", arguments: ["--remove"],
      isInKernel: true,
      prepare: { host in
        try host.addHeldUsers()
        try host.fence()
      }),
  ]
}
