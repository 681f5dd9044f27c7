import Quota
import SQLite

/// This host as one of several that share users: what it tells the centre and what it takes in from it.
/// `quota-sync` carries it; nothing here waits for a network.
package struct Hosts {
  let ledger: Ledger
}

extension Ledger {
  package var hosts: Hosts { Hosts(ledger: self) }
}

// MARK: Membership

extension Hosts {
  /// Nil for a host that is by itself.
  package func membership() throws(SQLiteError) -> Membership? { nil }

  /// Makes this host one of several.
  ///
  /// - Parameters:
  ///   - host: what it is called in the centre.
  ///   - id: 32 random hexadecimal digits.
  package func join(as host: String, id: String) throws {}

  /// Makes this host one by itself again. Users, terms, grants and its own usage stay.
  package func leave() throws {}

  /// Draws another token, and keeps the present one beside it until `noteHeard`. To be committed before
  /// the centre is told.
  package func drawToken() throws -> Membership { fatalError() }

  /// Notes that the centre has the token that was drawn last.
  package func noteToken() throws(SQLiteError) {}

  /// Notes that all that the centre had to tell is taken in.
  ///
  /// - Parameters:
  ///   - usageSeen: the versions of the other hosts' usage that were taken in.
  ///   - hosts: how many hosts there are, this one included.
  ///   - time: seconds since 1970 in UTC.
  package func noteHeard(usageSeen: [String: Int64], hosts: Int64, at time: Int64) throws {}
}

// MARK: Facts

extension Hosts {
  /// What the centre does not have: users who were seen for the first time or were here when the host
  /// joined, with their grants, and plans. And, with the version that the centre has, users whose time
  /// began here with their first connection: of several proposals for `began_at` the least holds.
  ///
  /// Plans come first and grants last. Where the centre has a user of that name already, theirs holds and
  /// these grants are dropped. Uids are drawn anew each time until `takeIn` gives a user theirs.
  package func newFacts() throws -> [SharedFact] { [] }

  /// What this connection's changes, in `Ledger.dryRun`, made of the facts, each with the version of the
  /// centre's that it changes.
  package func changedFacts() throws -> [SharedFact] { [] }

  /// Takes in facts as the centre has them, in a short transaction for each thousand; the version up to
  /// which they are here is noted with them. A user of this host's who was never told to the centre and
  /// has the name of one of the centre's becomes that one.
  ///
  /// - Parameters:
  ///   - facts: all that have a version above `Membership.factsSeen`, up to one version.
  ///   - time: seconds since 1970 in UTC.
  package func takeIn(_ facts: [SharedFact], at time: Int64) throws {}
}

// MARK: Usage

extension Hosts {
  /// This host's usage as far as it is other than what the centre is known to have, by uid.
  package func ownUsage(limit: Int, at time: Int64) throws -> [OwnUsage] { [] }

  /// Notes that the centre has this.
  package func notePushed(_ usage: [OwnUsage]) throws {}

  /// Raises this host's usage to what the centre has of it, after an older backup was restored.
  package func takeOwn(_ usage: [OwnUsage], at time: Int64) throws {}

  /// The present periods of users, and of those besides whose period has turned since the other hosts'
  /// usage was last noted.
  package func wantedPeriods(
    of users: [String], at time: Int64
  ) throws -> [(user: String, periodStart: Int64)] { [] }

  /// Notes what users used elsewhere, one entry for each period that was wanted (zeros where no other host
  /// has any usage).
  package func noteElsewhere(_ usage: [ElsewhereUsage], at time: Int64) throws {}
}
