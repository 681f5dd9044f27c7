import Foundation
import SQLite
import TestSupport
import Testing

@Suite struct `A backup` {
  /// Names that are hard on files, shells, spreadsheets and terminals.
  static let names = [
    "alice", "علی", "王小明", "O'Neill", "a\"b", "a,b", "=1+1", "-bob", "Zoe\u{308}", " padded ",
  ]

  private func populated() throws -> Bench {
    let bench = try Bench()
    try bench.populate()
    for name in Self.names.dropFirst() { try bench.admin("add", "--quota", "1GiB", "--", name) }
    #expect(try bench.shell(#"quota-admin add "$(printf 'b\377b')" --quota 7B"#).isFine)
    return bench
  }

  @Test func `put back is the ledger that was backed up`() throws {
    let bench = try populated()
    let before = try bench.dump()
    let copy = bench.folder.path + "/copy.db"
    #expect(try bench.admin("backup", copy).isFine)
    #expect(try bench.dump(of: copy) == before)
    try bench.admin("add", "late")
    try bench.admin("set", "alice", "--quota", "1B")
    let changed = try bench.dump()
    let outcome = try bench.admin("restore", copy, "--yes")
    #expect(outcome.isFine)
    #expect(outcome.output.hasPrefix("restored \(copy)\nthe database as it was is kept in "))
    #expect(try bench.dump() == before)
    let kept = try #require(try bench.files().first { $0.contains("before-restore") })
    #expect(try bench.dump(of: bench.folder.path + "/" + kept) == changed)
    #expect(try bench.files().filter { $0.contains("draft") }.isEmpty)
  }

  @Test func `is one file that its group may read and nobody else`() throws {
    let bench = try populated()
    try bench.admin("backup", bench.folder.path + "/copy.db")
    #expect(try bench.files().filter { $0.hasPrefix("copy") } == ["copy.db"])
    let attributes = try FileManager.default.attributesOfItem(
      atPath: bench.folder.path + "/copy.db")
    #expect(attributes[.posixPermissions] as? Int == 0o640)
  }

  @Test func `replaces an earlier one, and nothing that is none`() throws {
    let bench = try populated()
    let copy = bench.folder.path + "/copy.db"
    for _ in 1...2 { #expect(try bench.admin("backup", copy).isFine) }
    let file = try bench.folder.write("root:x:0:0\n", to: "passwd")
    let occupied = try bench.admin("backup", file)
    #expect(occupied.status == 73 && occupied.errors.contains("is there already and is no backup"))
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "root:x:0:0\n")
    #expect(try bench.admin("backup", bench.path).status == 64)
    #expect(try bench.admin("backup", bench.folder.path + "/none/copy.db").status == 74)
    #expect(try bench.admin("restore", bench.path, "--yes").status == 64)
  }

  @Test func `removes what one that was killed has left of its copy`() throws {
    let bench = try populated()
    let ended = try #require(Int(bench.shell("echo $BASHPID").output.filter(\.isNumber)))
    let living = ProcessInfo.processInfo.processIdentifier
    let kept = [
      "quota.db.backup.draft-\(living)", "copy.db.draft-of-mine", "other.db.draft-\(ended)",
    ]
    let draft = "quota.db.backup.draft-\(ended)"
    let left = [draft, "\(draft)-journal", ".copy.db.\(ended)"]
    for name in kept + left { try bench.folder.write("", to: name) }
    #expect(try bench.admin("backup", bench.folder.path + "/copy.db").isFine)
    let drafts = try bench.files().filter { $0.contains("draft") || $0.hasPrefix(".") }
    #expect(drafts == kept.sorted())
  }

  @Test func `is of one moment, whatever is written meanwhile`() throws {
    let bench = try populated()
    let outcome = try bench.shell(
      """
      for n in 1 2 3 4 5 6 7 8; do
        for m in 1 2 3 4 5; do quota-admin add "user$n$m" --quota "${n}B"; done >/dev/null &
        quota-admin backup "$DATABASE.copy$n" >/dev/null &
      done
      wait
      """)
    #expect(outcome.isFine)
    for number in 1...8 {
      let copy = LedgerProbe("\(bench.path).copy\(number)")
      // Every user was made in one transaction with quota and event.
      let faults = try copy.faults(hasAllHistory: false)
      #expect(faults == [])
      #expect(try copy.events("created").map(\.user).sorted() == copy.names.sorted())
    }
  }

  @Test func `that is damaged, of a later version or no ledger changes nothing`() throws {
    let bench = try populated()
    let copy = bench.folder.path + "/copy.db"
    try bench.admin("backup", copy)
    let before = try bench.dump()
    var bytes = try Data(contentsOf: URL(fileURLWithPath: copy))
    bytes.replaceSubrange(4096..<8192, with: Data(repeating: 0x55, count: 4096))
    let damaged = bench.folder.path + "/damaged.db"
    try bytes.write(to: URL(fileURLWithPath: damaged))
    let newer = bench.folder.path + "/newer.db"
    try FileManager.default.copyItem(atPath: copy, toPath: newer)
    try LedgerProbe(newer).setSchemaVersion(99)
    let foreign = bench.folder.path + "/foreign.db"
    try Connection(foreign, .creating, busyTimeout: 0).execute("CREATE TABLE songs (name TEXT)")
    let text = try bench.folder.write("once upon a time there was no database", to: "text")
    for (file, status, word) in [
      (damaged, 65, "is damaged: "), (newer, 65, "has schema 99"), (text, 65, "is damaged: "),
      (foreign, 65, "has no users and quotas in it"),
      (bench.folder.path + "/none", 74, "No such file"),
    ] as [(String, Int32, String)] {
      let outcome = try bench.admin("restore", "--yes", file)
      #expect(outcome.status == status && outcome.errors.contains(word), "\(outcome.errors)")
      #expect(outcome.output.isEmpty)
    }
    #expect(try bench.dump() == before)
    #expect(try bench.files().filter { $0.contains("restore") || $0.contains("draft") }.isEmpty)
  }

  @Test func `mends a damaged database, which is moved aside`() throws {
    let bench = try populated()
    let copy = bench.folder.path + "/copy.db"
    try bench.admin("backup", copy)
    let before = try bench.dump(of: copy)
    for file in try bench.files() where file.hasPrefix("quota.db-") {
      try FileManager.default.removeItem(atPath: bench.folder.path + "/" + file)
    }
    try Data(repeating: 0x55, count: 40_000).write(to: URL(fileURLWithPath: bench.path))
    #expect(try bench.admin("backup", bench.folder.path + "/other.db").status == 65)
    let outcome = try bench.admin("restore", copy, "--yes")
    #expect(outcome.isFine && outcome.output.contains("the damaged database was moved to "))
    #expect(try bench.dump() == before)
    let attributes = try FileManager.default.attributesOfItem(atPath: bench.path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
  }

  @Test func `is brought up to date, of the earlier project and of another page size too`() throws {
    let bench = try populated()
    let old = bench.folder.path + "/vpn_manager.db"
    try Connection(old, .creating, busyTimeout: 0).execute(
      "PRAGMA page_size = 1024; " + earlierProject)
    #expect(try bench.admin("restore", old, "--yes").isFine)
    let list = try bench.admin("list").output.split(separator: "\n")
    #expect(list.contains("alice  active    900 B     1000 B    90%         0"))
    #expect(try bench.probe.pageSize == 4096)
    #expect(try Connection(old, .reading, busyTimeout: 0).integer("PRAGMA user_version") == 0)
  }

  @Test func `comes back where there is no database`() throws {
    let bench = try populated()
    let copy = bench.folder.path + "/copy.db"
    try bench.admin("backup", copy)
    let before = try bench.dump()
    for file in try bench.files() where file.hasPrefix("quota.db") {
      try FileManager.default.removeItem(atPath: bench.folder.path + "/" + file)
    }
    #expect(try bench.admin("restore", copy, "--yes").output == "restored \(copy)\n")
    #expect(try bench.dump() == before)
  }

  @Test func `put back while others write loses nothing that they wrote`() throws {
    let bench = try populated()
    let copy = bench.folder.path + "/copy.db"
    try bench.admin("backup", copy)
    let outcome = try bench.shell(
      """
      for n in 1 2 3 4 5 6; do
        for m in 1 2 3 4 5; do quota-admin add "user$n$m"; done >/dev/null &
      done
      sleep 0.1
      quota-admin restore --yes "\(copy)" >/dev/null
      wait
      """)
    #expect(outcome.isFine)
    let kept = try #require(try bench.files().first { $0.contains("before-restore") })
    var names: Set<String> = []
    for path in [bench.path, bench.folder.path + "/" + kept] {
      names.formUnion(try LedgerProbe(path).names.filter { $0.hasPrefix("user") })
    }
    #expect(names.count == 30)
  }

  @Test func `is not put back without a yes, nor while a sweep runs`() throws {
    let bench = try populated()
    let copy = bench.folder.path + "/copy.db"
    try bench.admin("backup", copy)
    let unasked = try bench.admin("restore", copy)
    #expect(unasked.status == 64 && unasked.errors.contains("hint: --yes does it without asking"))
    let path = bench.path
    let (holds, letsGo) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    Thread.detachNewThread {
      let other = try? SweepElsewhere(beside: path)
      holds.signal()
      Thread.sleep(forTimeInterval: 1)
      letsGo.signal()
      _ = consume other
    }
    holds.wait()
    let outcome = try bench.admin("restore", "--yes", copy)
    #expect(letsGo.wait(timeout: .now()) == .success)
    #expect(outcome.isFine)
  }
}

extension Bench {
  /// All of a database as SQL, but for what tells how often it was written to.
  func dump(of path: String? = nil) throws -> String {
    let outcome = try Program.run("sqlite3", [path ?? self.path, ".dump"])
    #expect(outcome.isFine)
    return outcome.output
  }

  /// The names of the files in the folder.
  func files() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }
}
