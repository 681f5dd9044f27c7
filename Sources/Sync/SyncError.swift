import Support

/// Why a host could not speak with the centre, besides what PostgreSQL says.
package enum SyncError: UserFacingError, Equatable {
  /// The setting `SYNC` is empty.
  case noSetting
  /// This host has not joined.
  case notJoined
  /// This host has joined, as this one.
  case joined(as: String)
  /// The centre's tables are another version's.
  case schema(found: Int64, expected: Int64)
  /// Days begin at another time there.
  case zone(here: String, centre: String)
  /// There is no name for the time zone of this host.
  case namelessZone
  /// Which spellings of a name are one user is another choice there.
  case names(here: String, centre: String)
  /// There is another host of this name.
  case hostTaken(String)
  /// The centre knows this ledger as another host.
  case known(as: String)
  /// What the centre has of a host belongs to another role.
  case anotherRole(String)
  /// The centre knows no such host.
  case noSuchHost(String)
  /// The centre was last told of this host by another one that has the same ledger.
  case copied(host: String, sameMachine: Bool)
  /// What was to be changed was changed on another host.
  case changedElsewhere
  /// Another user has the name.
  case nameTaken
  /// A plan was removed that a user was to follow.
  case planRemoved(String)
  /// A plan was given to a user, and was to be removed.
  case planInUse(String)
  /// What came on standard input is no change.
  case badLine(Int, isNo: String)
  /// The answer to a commit was lost.
  case unknownCommit(PostgresError)
  /// Another quota-sync is under way.
  case underWay

  package var message: String {
    switch self {
    case .noSetting: "SYNC is empty: this host is by itself"
    case .notJoined: "this host has not joined the centre that SYNC names"
    case .joined(let host): "this host has joined already, as \(host)"
    case .schema(found: 0, _): "the table quota_centre has no row"
    case .schema(let found, let expected):
      "the centre has schema \(found), and this program knows schema \(expected)"
    case .zone(let here, let centre):
      "days begin at another time here (\(here)) than in the centre (\(centre))"
    case .namelessZone: "the time zone of this host has no name"
    case .names(let here, let centre): "NAMES is \(here) here, and \(centre) in the centre"
    case .hostTaken(let host): "there is a host \(host) in the centre already"
    case .known(let host): "the centre knows this ledger as \(host)"
    case .anotherRole(let host): "\(host) is a host of another role's in the centre"
    case .noSuchHost(let host): "the centre knows no host \(host)"
    case .copied(let host, let sameMachine):
      sameMachine
        ? "another host with a copy of this ledger speaks as \(host)"
        : "the ledger of \(host) was copied from another machine"
    case .changedElsewhere: "it was changed on another host meanwhile; nothing was changed"
    case .nameTaken: "another host has given this name to a user meanwhile; nothing was changed"
    case .planRemoved(let plan):
      "the plan \(plan) was removed on another host meanwhile; nothing was changed"
    case .planInUse(let plan):
      "the plan \(plan) was given to a user on another host meanwhile; nothing was changed"
    case .badLine(let line, let what): "line \(line) of standard input is no \(what)"
    case .unknownCommit(let error): "whether it was changed is not known: \(error.message)"
    case .underWay: "another quota-sync is under way"
    }
  }

  package var hint: String? {
    switch self {
    case .noSetting: "docs/hosts.md and quota-sync(8) say how several hosts share one quota"
    case .notJoined: "quota-sync --join --dry-run shows what joining would do"
    case .joined: "quota-sync --leave makes it a host by itself again"
    case .schema(found: 0, _):
      "restore the centre from a dump, or make it anew as docs/hosts.md says"
    case .schema(let found, let expected):
      found > expected
        ? "install the version of openvpn-quota-sync that the other hosts have"
        : "quota-sync --init, as who owns the tables, brings it up to date"
    case .zone(_, let centre): "set TIME_ZONE=\(centre) in quota.conf, as on the other hosts"
    case .namelessZone: "set TIME_ZONE in quota.conf"
    case .names(_, let centre): "set NAMES=\(centre) in quota.conf, as on the other hosts"
    case .hostTaken(let host):
      "--host gives this one another name; if it was \(host) before, or that is gone for good: "
        + "quota-sync forget \(host)"
    case .known(let host):
      "quota-sync --join --host \(host); a copy of that host has to begin with an empty database"
    case .anotherRole(let host):
      "have SYNC name the role that owns the tables, or that of \(host), and try again"
    case .noSuchHost: "quota-sync hosts lists them"
    case .copied(let host, _):
      "on a copy move the database aside, then quota-sync --join --host NAME; on the machine that \(host) "
        + "moved to: quota-sync --leave --alone, forget \(host), --join --host \(host)"
    case .changedElsewhere, .nameTaken, .planRemoved, .planInUse:
      "look at what it is now, and try again"
    case .unknownCommit: "look at it once quota-sync has run again"
    case .underWay: "it takes a few seconds; try again"
    case .badLine: nil
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .changedElsewhere, .nameTaken, .planRemoved, .planInUse, .underWay: .locked
    case .anotherRole: .permission
    case .unknownCommit: .inputOutput
    case .badLine, .noSuchHost: .badData
    default: .configuration
    }
  }
}

extension PostgresError: UserFacingError {
  package var hint: String? {
    switch state {
    case "28000" where message.contains("pg_hba.conf"):
      "pg_hba.conf of the centre needs a line for this host, database and user"
    case "28P01", "28000":
      "SYNC names user and passfile, whose file is 0600 and belongs to the user \(Account.name)"
    case "3D000": "docs/hosts.md says how to make the database"
    case "42P01", "3F000": "quota-sync --init makes the tables"
    case "42501":
      "quota-sync --init --grant ROLE, as who owns the tables, gives a role what it needs"
    case "22003":
      "a number in the centre is beyond 64 bits; who owns the tables has to put it right"
    case "25006": "that server is a copy; name all servers in SYNC, and libpq finds the right one"
    case PostgresError.unreadable: "the manual of PostgreSQL has it under Connection Strings"
    case "" where message.contains("certificate"):
      "sslrootcert= in SYNC names the file of the authority, and the host its certificate is for"
    case "" where message.contains("SSL"):
      "ssl = on in postgresql.conf of the centre has it speak TLS"
    case "" where message.contains("password"):
      "passfile= in SYNC names a file, 0600, that belongs to the user \(Account.name)"
    case _ where kind != .refused:
      "this host goes on with what it last heard, and the next run tries again"
    default: nil
    }
  }

  package var exitStatus: ExitStatus {
    switch state {
    case "42501": .permission
    case "" where message.contains("password"): .configuration
    case "28P01", "28000", "3D000", "42P01", "3F000", PostgresError.unreadable: .configuration
    default: .unavailable
    }
  }
}
