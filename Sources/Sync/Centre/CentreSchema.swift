import Ledger
import Quota

/// The tables that several hosts share, in SQL that PostgreSQL, CockroachDB, YugabyteDB and Citus have in
/// common: no sequences, triggers, notifications or advisory locks.
enum CentreSchema {
  static let number: Int64 = 2

  /// `quota_centre` has one row, whose version each change of a fact raises first: its lock makes the order
  /// of versions that of commits, so that nobody who reads what is above a version skips anything.
  /// `quota_hosts.version` does so for the usage of one host. `identity` tells one centre from another, a
  /// restored one not from what it was; `epoch` rises each time that hosts gave back what a restored one had
  /// lost, under the versions that it had there.
  static let tables =
    """
    CREATE TABLE quota_centre (
      id int PRIMARY KEY CHECK (id = 1),
      schema_number bigint NOT NULL,
      zone text NOT NULL,
      names text NOT NULL,
      version bigint NOT NULL,
      identity text NOT NULL,
      epoch bigint NOT NULL);
    CREATE TABLE quota_facts (
      kind text NOT NULL,
      key text NOT NULL,
      unique_name bytea UNIQUE,
      content text NOT NULL,
      is_removed boolean NOT NULL,
      version bigint NOT NULL,
      PRIMARY KEY (kind, key));
    CREATE INDEX quota_facts_version ON quota_facts (version);
    CREATE TABLE quota_hosts (
      host text PRIMARY KEY,
      id text NOT NULL,
      machine text NOT NULL,
      token text NOT NULL,
      role text NOT NULL,
      version bigint NOT NULL,
      heard_at bigint NOT NULL,
      clock_ahead bigint NOT NULL,
      left_at bigint);
    CREATE TABLE quota_usage (
      user_id text NOT NULL,
      period_start bigint NOT NULL,
      host text NOT NULL,
      received bigint NOT NULL CHECK (received >= 0),
      sent bigint NOT NULL CHECK (sent >= 0),
      sessions bigint NOT NULL CHECK (sessions >= 0),
      version bigint NOT NULL,
      PRIMARY KEY (user_id, period_start, host));
    CREATE INDEX quota_usage_version ON quota_usage (host, version)
    """

  /// A role may write what is of its own hosts, and read everything; who owns the tables may do all.
  static let policies =
    """
    ALTER TABLE quota_hosts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY quota_hosts_read ON quota_hosts FOR SELECT USING (true);
    CREATE POLICY quota_hosts_insert ON quota_hosts FOR INSERT WITH CHECK (role = current_user);
    CREATE POLICY quota_hosts_update ON quota_hosts FOR UPDATE USING (role = current_user);
    ALTER TABLE quota_usage ENABLE ROW LEVEL SECURITY;
    CREATE POLICY quota_usage_read ON quota_usage FOR SELECT USING (true);
    CREATE POLICY quota_usage_insert ON quota_usage FOR INSERT
      WITH CHECK (host IN (SELECT host FROM quota_hosts WHERE role = current_user));
    CREATE POLICY quota_usage_update ON quota_usage FOR UPDATE
      USING (host IN (SELECT host FROM quota_hosts WHERE role = current_user))
    """
}

/// Which centre it is, and how far it has come.
package struct CentreState: Equatable, Sendable {
  package let identity: String
  package let epoch: Int64
  /// The version of the last change of a fact.
  package let version: Int64
}

/// What all hosts of a centre have to agree on.
package struct CommonRules: Equatable, Sendable {
  /// The name of the zone in which days and periods begin.
  package let zone: String
  /// The setting `NAMES`.
  package let names: String

  package init(zone: String, names: String) {
    self.zone = zone
    self.names = names
  }
}

extension Centre {
  /// Makes the tables, unless they are there.
  ///
  /// - Parameter roles: who may use them besides their owner.
  /// - Returns: whether they were made.
  package func create(_ rules: CommonRules, for roles: [String]) throws -> Bool {
    let isThere =
      try connection.run(
        """
        SELECT 1 FROM information_schema.tables WHERE table_name = 'quota_centre'
          AND table_schema = current_schema()
        """
      ).count > 0
    if isThere { _ = try self.rules() } else { try createTables(rules) }
    for role in roles {
      try connection.execute(
        """
        GRANT SELECT, INSERT, UPDATE ON quota_centre, quota_facts, quota_hosts, quota_usage
          TO \(Centre.quoted(role))
        """)
    }
    return !isThere
  }

  private func createTables(_ rules: CommonRules) throws {
    do {
      try createTables(rules, with: CentreSchema.policies)
    } catch let error as PostgresError where PostgresError.unsupported.contains(error.state) {
      // An engine that has no such rules goes by what is granted.
      try createTables(rules, with: "")
    }
  }

  private func createTables(_ rules: CommonRules, with policies: String) throws {
    try connection.transaction { connection in
      try connection.execute(CentreSchema.tables)
      try connection.run(
        "INSERT INTO quota_centre VALUES (1, $1::bigint, $2, $3, 0, $4, 0)",
        .integer(CentreSchema.number), .text(rules.zone), .text(rules.names),
        .text(randomDigits()))
      if !policies.isEmpty { try connection.execute(policies) }
    }
  }

  /// A name as SQL has it in a statement.
  private static func quoted(_ name: String) -> String {
    "\"\(name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
  }

  package func state() throws(PostgresError) -> CentreState {
    let rows = try connection.run("SELECT identity, epoch, version FROM quota_centre")
    guard rows.count == 1 else { return CentreState(identity: "", epoch: 0, version: 0) }
    return CentreState(
      identity: rows.text(0, 0), epoch: rows.integer(0, 1) ?? 0, version: rows.integer(0, 2) ?? 0)
  }

  /// What the hosts agreed on.
  ///
  /// - Throws: `SyncError.schema` for tables of another version.
  package func rules() throws -> CommonRules {
    let rows = try connection.run("SELECT schema_number, zone, names FROM quota_centre")
    guard rows.count == 1 else { throw SyncError.schema(found: 0, expected: CentreSchema.number) }
    let found = rows.integer(0, 0) ?? 0
    guard found == CentreSchema.number else {
      throw SyncError.schema(found: found, expected: CentreSchema.number)
    }
    return CommonRules(zone: rows.text(0, 1), names: rows.text(0, 2))
  }
}
