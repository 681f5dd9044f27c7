import Ledger

extension Centre {
  /// All facts that have a version above one, in the order of versions, up to the last.
  ///
  /// - Parameter garbage: is told of each that makes no sense, which is left out.
  package func facts(
    above version: Int64, garbage: (String) -> Void
  ) throws(PostgresError) -> [SharedFact] {
    let rows = try connection.run(
      """
      SELECT kind, key, unique_name, content, is_removed, version FROM quota_facts
        WHERE version > $1::bigint ORDER BY version, kind, key
      """, .integer(version))
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
  /// - Throws: `SyncError.changedElsewhere` or `.nameTaken`.
  package func change(_ facts: [SharedFact]) throws {
    var isCommitting = false
    do {
      try connection.transaction { connection in
        isCommitting = false
        let version = try Centre.nextVersion(connection)
        let present = facts.filter { $0.version > 0 }
        let new = facts.filter { $0.version == 0 }
        let done =
          try Centre.update(present, to: version, connection)
          + Centre.insert(new, as: version, connection)
        guard done == facts.count else { throw SyncError.changedElsewhere }
        isCommitting = true
      }
    } catch let error as PostgresError where error.state == PostgresError.taken {
      throw SyncError.nameTaken
    } catch let error as PostgresError where isCommitting && error.kind != .refused {
      throw SyncError.unknownCommit(error)
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

  /// How many of these names users of the centre have.
  package func known(_ names: [[UInt8]]) throws(PostgresError) -> Int {
    Int(
      try connection.run(
        "SELECT count(*) FROM quota_facts WHERE unique_name = ANY ($1::bytea[])", .bytes(names)
      ).integer(0, 0) ?? 0)
  }
}
