import Foundation
import Testing

/// Something that a user does to files, as far as the system lets them: a script that runs in the state
/// directory, with what it may not reach in `$OUTSIDE`.
struct Attack: Sendable, CustomTestStringConvertible {
  let name: String
  private let body: String

  var testDescription: String { name }

  private init(_ name: String, _ body: String) {
    self.name = name
    self.body = body
  }

  /// The names that programs of ours open, create or rename.
  private static let names = """
    quota.db quota.db-wal quota.db-shm quota.db-journal lock access access.new .access journal \
    journal.old journal.new heard quota.db.draft-1 quota.db.backup.draft-1 last-sweep spool log \
    ../run/s.sock ../log/quota.log ../log/quota.log.1 ../log/quota.log.new
    """

  /// The same for each name; what fails is not the intruder's to do.
  private init(_ name: String, each body: String) {
    self.init(name, "for name in \(Self.names); do { \(body); } 2>/dev/null || :; done")
  }

  /// - Parameter outside: the directory that nothing may change in.
  func script(in state: String, outside: String) -> String {
    "cd '\(state)' && OUTSIDE='\(outside)' && umask 0 && \(body)"
  }

  static let all = [
    Attack("links to root's files", each: "rm -rf $name; ln -sf \"$OUTSIDE/secret\" $name"),
    Attack(
      "links to files that are not there", each: "rm -rf $name; ln -sf \"$OUTSIDE/new\" $name"),
    Attack("links to a directory of root's", each: "rm -rf $name; ln -sfn \"$OUTSIDE\" $name"),
    Attack(
      "hard links", each: "rm -rf $name; ln -f \"$OUTSIDE/open\" $name || ln -f journal $name"),
    Attack("pipes", each: "rm -rf $name; mkfifo $name"),
    Attack("directories", each: "rm -rf $name; mkdir $name"),
    Attack("nothing", each: "rm -rf $name"),
    Attack("truncation", each: ": >$name"),
    Attack("half of it", each: "truncate -s $(($(stat -c %s $name) / 2)) $name"),
    Attack("a file of 16 TiB", each: "truncate -s 16T $name || truncate -s 1T $name"),
    Attack("garbage", each: "head -c 300000 /dev/urandom >$name"),
    Attack("garbage at its end", each: "head -c 300000 /dev/urandom >>$name"),
    Attack("zero bytes at its end", each: "head -c 3000000 /dev/zero >>$name"),
    Attack("64 MiB of lines", each: "yes 'v1 in a line that is none' | head -c 67108864 >>$name"),
    Attack("64 MiB of one line", each: "head -c 67108864 /dev/zero | tr '\\0' x >>$name"),
    Attack(
      "its own lines, many times",
      each:
        "cp $name /tmp/oq-lines-$$; for i in $(seq 500); do cat /tmp/oq-lines-$$ >>$name; done; "
        + "rm -f /tmp/oq-lines-$$"),
    Attack("modes", each: "chmod 0777 $name; chmod 0 journal"),
    Attack("a hot journal that names a file to be removed", Self.hotJournal),
  ]

  /// A rollback journal as SQLite leaves one, which names a super-journal: SQLite removes that after it
  /// has rolled back, <https://www.sqlite.org/fileformat.html#the_rollback_journal>.
  private static let hotJournal = """
    /usr/bin/python3 - "$OUTSIDE/open" <<'END' || :
    import os, struct, sys
    magic = bytes.fromhex('d9d505f920a163d7')
    name = sys.argv[1].encode()
    journal = magic + struct.pack('>IIIII', 0, 0, 1, 512, 4096)
    journal = journal.ljust(512, b'\\0')
    journal += struct.pack('>I', 0x40000000 // 4096 + 1) + name
    journal += struct.pack('>II', len(name), sum(name)) + magic
    for path in ('quota.db-journal', 'quota.db.draft-1-journal'):
        try:
            open(path, 'wb').write(journal)
        except OSError:
            pass
    END
    rm -f quota.db-wal quota.db-shm || :
    """
}
