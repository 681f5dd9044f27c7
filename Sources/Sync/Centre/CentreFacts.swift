import Ledger

extension Centre {
  /// All facts that have a version above one, in the order of versions, up to another, which the centre's
  /// counter has reached.
  ///
  /// - Parameter garbage: is told of each that makes no sense, which is left out.
  package func facts(
    above version: Int64, upTo last: Int64, garbage: (String) -> Void
  ) throws(PostgresError) -> [SharedFact] {
    let rows = try connection.run(
      """
      SELECT kind, key, unique_name, content, is_removed, version FROM quota_facts
        WHERE version > $1::bigint AND version <= $2::bigint ORDER BY version, kind, key
      """, .integer(version), .integer(last))
    var facts: [SharedFact] = []
    facts.reserveCapacity(rows.count)
    for row in 0..<rows.count {
      let name = "\(rows.text(row, 0)) \(rows.text(row, 1))"
      guard let kind = SharedFact.Kind(rawValue: rows.text(row, 0)),
        let content = SharedFact.content(ofText: rows.text(row, 3)),
        let version = rows.integer(row, 5)
      else {
        garbage(name)
        continue
      }
      facts.append(
        SharedFact(
          kind: kind, key: rows.text(row, 1), uniqueName: rows.bytes(row, 2), content: content,
          isRemoved: rows.truth(row, 4), version: version))
    }
    return facts
  }

  /// Offers facts that a host has by itself: what the centre has of the same key or name stays.
  ///
  /// - Parameter isJoining: whether plans that were removed there come back. A host that was restored has
  ///   plans that it does not know to be removed.
  package func offer(_ facts: [SharedFact], isJoining: Bool) throws {
    try connection.transaction { connection in
      let version = try Centre.nextVersion(connection)
      try Centre.update(facts.filter { $0.version > 0 }, to: version, connection)
      // A grant is for a user whom the centre took.
      for kind in [SharedFact.Kind.plan, .user, .grant] {
        let new = facts.filter { $0.version == 0 && $0.kind == kind }
        try Centre.insert(
          new, as: version, connection,
          where: kind == .grant
            ? """
            EXISTS (SELECT 1 FROM quota_facts AS owner
              WHERE owner.kind = 'user' AND owner.key = split_part(n.key, '/', 1))
            """ : "true",
          orElse: kind == .plan && isJoining
            ? """
            (kind, key) DO UPDATE SET content = excluded.content, is_removed = false,
              version = excluded.version WHERE quota_facts.is_removed
            """ : "DO NOTHING")
      }
    }
  }

  /// Changes facts, all of them or none, each from the version that it has.
  ///
  /// - Parameter host: who does, with a token that the centre has from then on, and does not have yet.
  /// - Throws: `SyncError.changedElsewhere`, `.nameTaken`, `.planRemoved`, `.planInUse` or, where the answer
  ///   to the commit was lost, `.unknownCommit`.
  package func change(_ facts: [SharedFact], by host: PresentHost) throws {
    var isCommitting = false
    do {
      try connection.transaction { connection in
        isCommitting = false
        let version = try Centre.nextVersion(connection)
        try Centre.give(host, isRestored: false, connection)
        let present = facts.filter { $0.version > 0 }
        let new = facts.filter { $0.version == 0 }
        let done =
          try Centre.update(present, to: version, connection)
          + Centre.insert(new, as: version, connection)
        guard done == facts.count else { throw SyncError.changedElsewhere }
        try Centre.checkPlans(of: facts, connection)
        isCommitting = true
      }
    } catch let error as PostgresError where error.state == PostgresError.taken {
      throw SyncError.nameTaken
    } catch let error as PostgresError where isCommitting && error.isUndecided {
      throw SyncError.unknownCommit(error)
    }
  }

  /// Makes sure that plans of changed users are there, and that nobody follows one that was removed. Who
  /// changes facts has the counter's row locked, so that no other change comes between.
  private static func checkPlans(
    of facts: [SharedFact], _ connection: borrowing PostgresConnection
  ) throws {
    let followed = Set(facts.filter { $0.kind == .user && !$0.isRemoved }.compactMap(\.plan))
    if !followed.isEmpty {
      let rows = try connection.run(
        "SELECT key FROM quota_facts WHERE kind = 'plan' AND NOT is_removed AND key = ANY ($1::text[])",
        .texts(followed.sorted()))
      let present = (0..<rows.count).map { rows.text($0, 0) }
      if let gone = followed.subtracting(present).min() { throw SyncError.planRemoved(gone) }
    }
    for plan in facts where plan.kind == .plan && plan.isRemoved {
      // As SharedFact writes it; whether it really is the plan is for it to read.
      let mark = SharedFact(kind: .user, key: "", content: ["plan": plan.key], version: 0)
        .contentText.dropFirst().dropLast()
      let rows = try connection.run(
        """
        SELECT content FROM quota_facts WHERE kind = 'user' AND NOT is_removed
          AND strpos(content, $1) > 0
        """, .text(String(mark)))
      let isInUse = (0..<rows.count).contains { row in
        SharedFact.content(ofText: rows.text(row, 0))?["plan"] == plan.key
      }
      if isInUse { throw SyncError.planInUse(plan.key) }
    }
  }

  /// Raises the version of the facts, and keeps others from doing so until the transaction ends.
  private static func nextVersion(
    _ connection: borrowing PostgresConnection
  ) throws(PostgresError) -> Int64 {
    let rows = try connection.run(
      "UPDATE quota_centre SET version = version + 1 WHERE id = 1 RETURNING version")
    return rows.count == 1 ? rows.integer(0, 0) ?? 0 : 0
  }

  @discardableResult
  private static func update(
    _ facts: [SharedFact], to version: Int64, _ connection: borrowing PostgresConnection
  ) throws(PostgresError) -> Int {
    guard !facts.isEmpty else { return 0 }
    return try connection.run(
      """
      UPDATE quota_facts AS f SET unique_name = n.unique_name, content = n.content,
        is_removed = n.is_removed, version = $1::bigint
      FROM unnest($2::text[], $3::text[], $4::bytea[], $5::text[], $6::boolean[], $7::bigint[])
        AS n (kind, key, unique_name, content, is_removed, base)
      WHERE f.kind = n.kind AND f.key = n.key AND f.version = n.base
      """, .integer(version), .texts(facts.map(\.kind.rawValue)), .texts(facts.map(\.key)),
      .bytes(facts.map(\.uniqueName)), .texts(facts.map(\.contentText)),
      .array(facts.map { .truth($0.isRemoved) }), .integers(facts.map(\.version))
    ).changed
  }

  /// Adds those whose key and name are free.
  ///
  /// - Parameters:
  ///   - condition: what has to hold for one besides.
  ///   - conflict: what becomes of one that is there already.
  @discardableResult
  private static func insert(
    _ facts: [SharedFact], as version: Int64, _ connection: borrowing PostgresConnection,
    where condition: String = "true", orElse conflict: String = "DO NOTHING"
  ) throws(PostgresError) -> Int {
    guard !facts.isEmpty else { return 0 }
    return try connection.run(
      """
      INSERT INTO quota_facts (kind, key, unique_name, content, is_removed, version)
      SELECT n.kind, n.key, n.unique_name, n.content, n.is_removed, $1::bigint
      FROM unnest($2::text[], $3::text[], $4::bytea[], $5::text[], $6::boolean[])
        AS n (kind, key, unique_name, content, is_removed)
      WHERE \(condition) ON CONFLICT \(conflict)
      """, .integer(version), .texts(facts.map(\.kind.rawValue)), .texts(facts.map(\.key)),
      .bytes(facts.map(\.uniqueName)), .texts(facts.map(\.contentText)),
      .array(facts.map { .truth($0.isRemoved) })
    ).changed
  }

  // MARK: After the centre was restored

  /// Gives back what a host knows and the centre has lost, all or nothing: a fact that it has no more, or
  /// under a lower version. They keep the versions they had, so that of several hosts' the last one holds;
  /// the others are made to read all facts anew.
  ///
  /// - Returns: how many were given back.
  package func restore(_ facts: [SharedFact]) throws -> Int {
    try connection.transaction { connection in
      try connection.run(
        "UPDATE quota_centre SET version = greatest(version, $1::bigint) WHERE id = 1",
        .integer(facts.map(\.version).max() ?? 0))
      let lost = try Centre.lost(of: facts, connection)
      guard !lost.isEmpty else { return 0 }
      try connection.run("UPDATE quota_centre SET epoch = epoch + 1 WHERE id = 1")
      // A name that went from one user to another is free before it is given.
      try connection.run(
        """
        UPDATE quota_facts AS f SET unique_name = NULL FROM unnest($1::text[]) AS n (key)
        WHERE f.kind = 'user' AND f.key = n.key
        """, .texts(lost.filter { $0.kind == .user }.map(\.key)))
      return try connection.run(
        """
        INSERT INTO quota_facts (kind, key, unique_name, content, is_removed, version)
        SELECT n.kind, n.key, n.unique_name, n.content, n.is_removed, n.version
        FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::boolean[], $6::bigint[])
          AS n (kind, key, unique_name, content, is_removed, version)
        WHERE true ON CONFLICT (kind, key) DO UPDATE SET unique_name = excluded.unique_name,
          content = excluded.content, is_removed = excluded.is_removed, version = excluded.version
        """, .texts(lost.map(\.kind.rawValue)), .texts(lost.map(\.key)),
        .bytes(lost.map(\.uniqueName)), .texts(lost.map(\.contentText)),
        .array(lost.map { .truth($0.isRemoved) }), .integers(lost.map(\.version))
      ).changed
    }
  }

  private static func lost(
    of facts: [SharedFact], _ connection: borrowing PostgresConnection
  ) throws(PostgresError) -> [SharedFact] {
    let rows = try connection.run(
      """
      SELECT n.place FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
        AS n (place, kind, key, version)
        LEFT JOIN quota_facts AS f ON f.kind = n.kind AND f.key = n.key
      WHERE f.version IS NULL OR f.version < n.version ORDER BY n.place
      """, .integers(facts.indices.map { Int64($0) }), .texts(facts.map(\.kind.rawValue)),
      .texts(facts.map(\.key)), .integers(facts.map(\.version)))
    let lost = (0..<rows.count).compactMap { rows.integer($0, 0) }.map { facts[Int($0)] }
    return try withFreeNames(lost, holders(of: lost.compactMap(\.uniqueName), connection))
  }

  /// Leaves out users whose name another one has, who keeps it: no two may have it.
  static func withFreeNames(
    _ facts: [SharedFact], _ holders: [[UInt8]: String]
  ) -> [SharedFact] {
    var last: [[UInt8]: SharedFact] = [:]
    for fact in facts {
      guard let name = fact.uniqueName else { continue }
      if last[name]?.version ?? 0 <= fact.version { last[name] = fact }
    }
    var facts = facts.filter { $0.uniqueName.map { last[$0] } ?? $0 == $0 }
    while true {
      let keys = Set(facts.lazy.filter { $0.kind == .user }.map(\.key))
      let free = facts.filter { fact in
        let holder = fact.uniqueName.flatMap { holders[$0] } ?? fact.key
        return holder == fact.key || keys.contains(holder)
      }
      if free.count == facts.count { return facts }
      facts = free
    }
  }

  private static func holders(
    of names: [[UInt8]], _ connection: borrowing PostgresConnection
  ) throws(PostgresError) -> [[UInt8]: String] {
    let rows = try connection.run(
      "SELECT unique_name, key FROM quota_facts WHERE unique_name = ANY ($1::bytea[])",
      .bytes(names))
    var holders: [[UInt8]: String] = [:]
    for row in 0..<rows.count {
      if let name = rows.bytes(row, 0) { holders[name] = rows.text(row, 1) }
    }
    return holders
  }

  /// Of users whom the centre does not have, those whose name another one has there.
  ///
  /// - Returns: the user's uid, the other's, and the version of what the centre has of that one.
  package func namesakes(
    of users: [SharedFact]
  ) throws(PostgresError) -> [(user: String, other: String, version: Int64)] {
    let rows = try connection.run(
      """
      SELECT n.key, holder.key, holder.version FROM unnest($1::text[], $2::bytea[]) AS n (key, name)
        JOIN quota_facts AS holder ON holder.unique_name = n.name
        LEFT JOIN quota_facts AS f ON f.kind = 'user' AND f.key = n.key
      WHERE f.key IS NULL
      """, .texts(users.map(\.key)), .bytes(users.map(\.uniqueName)))
    return (0..<rows.count).map { (rows.text($0, 0), rows.text($0, 1), rows.integer($0, 2) ?? 0) }
  }

  /// How many of these names users of the centre have.
  package func known(_ names: [[UInt8]]) throws(PostgresError) -> Int {
    Int(
      try connection.run(
        "SELECT count(*) FROM quota_facts WHERE unique_name = ANY ($1::bytea[])", .bytes(names)
      ).integer(0, 0) ?? 0)
  }
}
