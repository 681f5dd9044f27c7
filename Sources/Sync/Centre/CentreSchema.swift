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
      version bigint NOT NULL);
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

  /// What schema 1 had not. Days are numbered from 1970-01-01, which is 0: `date '1970-01-01' + day::int`.
  static let sinceSchema2 =
    """
    ALTER TABLE quota_centre ADD COLUMN identity text NOT NULL DEFAULT '';
    ALTER TABLE quota_centre ADD COLUMN epoch bigint NOT NULL DEFAULT 0;
    CREATE TABLE quota_days (
      user_id text NOT NULL,
      day bigint NOT NULL,
      host text NOT NULL,
      received bigint NOT NULL CHECK (received >= 0),
      sent bigint NOT NULL CHECK (sent >= 0),
      PRIMARY KEY (user_id, day, host));
    CREATE INDEX quota_days_day ON quota_days (day, host)
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

  static let policiesOfDays =
    """
    ALTER TABLE quota_days ENABLE ROW LEVEL SECURITY;
    CREATE POLICY quota_days_read ON quota_days FOR SELECT USING (true);
    CREATE POLICY quota_days_insert ON quota_days FOR INSERT
      WITH CHECK (host IN (SELECT host FROM quota_hosts WHERE role = current_user));
    CREATE POLICY quota_days_update ON quota_days FOR UPDATE
      USING (host IN (SELECT host FROM quota_hosts WHERE role = current_user));
    CREATE POLICY quota_days_delete ON quota_days FOR DELETE
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
  /// Makes the tables, or those that an earlier version did not have, unless they are there.
  ///
  /// - Parameter roles: who may use them besides their owner.
  /// - Returns: whether any were made.
  package func create(_ rules: CommonRules, for roles: [String]) throws -> Bool {
    let isThere =
      try connection.run(
        """
        SELECT 1 FROM information_schema.tables WHERE table_name = 'quota_centre'
          AND table_schema = current_schema()
        """
      ).count > 0
    let isEarlier = try isThere && schemaNumber() == 1
    if isThere && !isEarlier {
      _ = try self.rules()
    } else {
      try createTables(isThere ? nil : rules)
    }
    for role in roles {
      try connection.execute(
        """
        GRANT SELECT, INSERT, UPDATE ON quota_centre, quota_facts, quota_hosts, quota_usage, quota_days
          TO \(Centre.quoted(role));
        GRANT DELETE ON quota_days TO \(Centre.quoted(role))
        """)
    }
    return !isThere || isEarlier
  }

  /// - Parameter rules: nil where the tables of schema 1 are there.
  private func createTables(_ rules: CommonRules?) throws {
    do {
      try createTables(rules, hasPolicies: true)
    } catch let error as PostgresError where PostgresError.unsupported.contains(error.state) {
      // An engine that has no such rules goes by what is granted.
      try createTables(rules, hasPolicies: false)
    }
  }

  private func createTables(_ rules: CommonRules?, hasPolicies: Bool) throws {
    try connection.transaction { connection in
      if let rules {
        try connection.execute(CentreSchema.tables)
        try connection.run(
          "INSERT INTO quota_centre VALUES (1, 0, $1, $2, 0)", .text(rules.zone),
          .text(rules.names))
        if hasPolicies { try connection.execute(CentreSchema.policies) }
      }
      try connection.execute(CentreSchema.sinceSchema2)
      if hasPolicies { try connection.execute(CentreSchema.policiesOfDays) }
      try connection.run(
        "UPDATE quota_centre SET schema_number = $1::bigint, identity = $2",
        .integer(CentreSchema.number), .text(randomDigits()))
    }
  }

  /// A name as SQL has it in a statement.
  private static func quoted(_ name: String) -> String {
    "\"\(name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
  }

  private func schemaNumber() throws(PostgresError) -> Int64? {
    let rows = try connection.run("SELECT schema_number FROM quota_centre")
    return rows.count == 1 ? rows.integer(0, 0) : nil
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
