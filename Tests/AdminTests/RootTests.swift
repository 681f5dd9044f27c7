import Foundation
import Glibc
import SQLite
import System
import TestSupport
import Testing

/// What root's rights are used for, where the state directory belongs to another user.
@Suite(.enabled(if: getuid() == 0, "only root can give up root")) struct `Root` {
  /// A user without a name, and one of the hooks' kind.
  private static let (owner, stranger) = (23_456 as uid_t, 65_534 as uid_t)
  let bench: Bench
  /// A directory that is root's alone.
  let closed: String
  var state: String { bench.folder.path + "/state" }

  init() throws {
    bench = try Bench()
    closed = bench.folder.path + "/closed"
    try FileManager.default.createDirectory(
      atPath: bench.folder.path + "/state", withIntermediateDirectories: false)
    try FileManager.default.createDirectory(atPath: closed, withIntermediateDirectories: false)
    #expect(unsafe chmod(bench.folder.path, 0o755) == 0 && chmod(closed, 0o700) == 0)
    #expect(unsafe chmod(state, 0o2750) == 0 && chown(state, Self.owner, Self.owner) == 0)
    bench.settings["DATABASE"] = state + "/quota.db"
  }

  private func owner(of path: String) throws -> uid_t { try FileStatus(ofLink: path).owner }

  @Test func `is given up below the state directory, where all is its owner's`() throws {
    #expect(try bench.admin("add", "alice", "--quota", "1GB").isFine)
    for name in try names(inDirectory: state) {
      #expect(try owner(of: "\(state)/\(name)") == Self.owner, "\(name)")
    }
    #expect(try bench.admin("list").output.contains("alice"))
  }

  @Test
  func `writes a backup and reports where only root may, and nothing below the state directory`()
    throws
  {
    try bench.admin("add", "alice", "--quota", "1GB")
    let (copy, page, text) = ("\(closed)/copy.db", "\(closed)/page.html", "\(closed)/vpn.prom")
    for _ in 1...2 {
      let backup = try bench.admin("backup", copy)
      #expect(backup.isFine && backup.output.hasPrefix("backed up to \(copy), "))
      #expect(try bench.admin("report", "--html", page).isFine)
      #expect(try bench.admin("metrics", "--output", text).isFine)
    }
    #expect(try FileStatus(of: copy).mode == 0o640 && FileStatus(of: page).mode == 0o644)
    #expect(try String(contentsOfFile: page, encoding: .utf8).hasSuffix("</html>\n"))
    #expect(try String(contentsOfFile: text, encoding: .utf8).contains("alice"))
    #expect(try names(inDirectory: closed) == ["copy.db", "page.html", "vpn.prom"])
    for file in [copy, page, text] { #expect(try owner(of: file) == 0) }
    for name in try names(inDirectory: state) {
      #expect(try owner(of: "\(state)/\(name)") == Self.owner && !name.contains("draft"), "\(name)")
    }
    // Within the state directory it is the owner who writes.
    #expect(try bench.admin("backup", "\(state)/copy.db").isFine)
    #expect(try owner(of: "\(state)/copy.db") == Self.owner)
    try bench.admin("add", "late")
    #expect(try bench.admin("restore", copy, "--yes").isFine)
    #expect(try !bench.admin("list").output.contains("late"))
  }

  @Test func `a failure of the child is told once, and leaves no file`() throws {
    try bench.folder.write("no database, whatever its name says", to: "state/quota.db")
    #expect(unsafe chown(state + "/quota.db", Self.owner, Self.owner) == 0)
    for command in [["backup"], ["report", "--html"], ["metrics", "--output"]] {
      let outcome = try Program.run(
        Program.path("quota-admin"), command + ["\(closed)/file"], environment: bench.settings)
      #expect(outcome.status == 65)
      #expect(outcome.errors.components(separatedBy: "error:").count == 2, "\(outcome.errors)")
    }
    #expect(try names(inDirectory: closed).isEmpty)
  }

  @Test func `reads the files that the user names, wherever they are`() throws {
    let users = "\(closed)/users.csv"
    try bench.folder.write("name,quota_bytes\nbob,1GB\n", to: "closed/users.csv", mode: 0o600)
    #expect(try bench.admin("import", users).isFine)
    let earlier = "\(closed)/vpn_manager.db"
    try Connection(earlier, .creating, busyTimeout: 0).execute(earlierProject)
    #expect(unsafe chmod(earlier, 0o600) == 0)
    #expect(try bench.admin("import", "--from", earlier).isFine)
    #expect(try bench.admin("list").output.contains("alice"))
    #expect(try names(inDirectory: closed) == ["users.csv", "vpn_manager.db"])
    #expect(try names(inDirectory: state).allSatisfy { !$0.contains("draft") })
  }

  @Test func `follows no link that another user has planted`() throws {
    try bench.admin("add", "alice")
    let secret = try bench.folder.write("root's own\n", to: "closed/secret", mode: 0o600)
    let open = bench.folder.path + "/open"
    #expect(unsafe mkdir(open, 0o755) == 0 && chown(open, Self.stranger, Self.stranger) == 0)
    for folder in [open, state] {
      for (command, name) in [
        (["report", "--html"], "vpn.html"), (["metrics", "--output"], "vpn.prom"),
        (["backup"], "vpn.db"),
      ] {
        let link = "\(folder)/\(name)"
        #expect(unsafe symlink(secret, link) == 0)
        let outcome = try Program.run(
          Program.path("quota-admin"), command + [link], environment: bench.settings)
        // What a backup would replace is looked at first, and is none.
        #expect(outcome.status == (name == "vpn.db" ? 73 : 0), "\(outcome.errors)")
        #expect(try String(contentsOfFile: secret, encoding: .utf8) == "root's own\n")
      }
    }
    // One that only root can have made leads on.
    let link = "\(closed)/page.html"
    #expect(unsafe symlink("\(open)/other.html", link) == 0)
    #expect(try bench.admin("report", "--html", link).isFine)
    #expect(try FileStatus(ofLink: link).kind == .symbolicLink)
    #expect(try FileStatus(ofLink: "\(open)/other.html").kind == .regular)
  }

  @Test(.timeLimit(.minutes(4))) func `waits for no pipe that another user has planted`() throws {
    try bench.admin("add", "alice")
    let open = bench.folder.path + "/open"
    #expect(unsafe mkdir(open, 0o755) == 0 && chown(open, Self.stranger, Self.stranger) == 0)
    #expect(unsafe mkfifo("\(open)/vpn.html", 0o666) == 0)
    let outcome = try bench.admin("report", "--html", "\(open)/vpn.html")
    #expect(outcome.status == 74 && outcome.errors.contains("No such device or address"))
  }

  @Test func `meets what keeps the owner out`() throws {
    let config = try bench.folder.write(
      "DATABASE=\(state)/quota.db\nLOG_FILE=\(closed)/log\nOPENVPN_CONFIGS=\(closed)/*.conf\n",
      to: "quota.conf")
    let sweep = try Program.run(
      Program.path("quota-sweep"), ["--config", config, "--verbose"], environment: [:])
    #expect(sweep.errors.contains("cannot open \(closed)/log: Permission denied"))
    #expect(try names(inDirectory: closed).isEmpty)
  }

  @Test func `rotates a log in a directory of its own, which stays the owner's`() throws {
    let folder = bench.folder.path + "/log"
    #expect(unsafe mkdir(folder, 0o755) == 0)
    let log = try bench.folder.write(
      String(repeating: "a line\n", count: 1000), to: "log/quota.log")
    #expect(unsafe chown(log, Self.owner, Self.owner) == 0 && chmod(log, 0o640) == 0)
    bench.settings["LOG_FILE"] = log
    bench.settings["MAX_LOG_SIZE"] = "4096"
    try bench.admin("add", "alice")
    let outcome = try Program.run(
      Program.path("quota-rotate"), ["--verbose"], environment: bench.settings)
    #expect(outcome.output.contains("rotated \(log)"), "\(outcome.errors)")
    #expect(try names(inDirectory: folder) == ["quota.log", "quota.log.1"])
    let status = try FileStatus(of: log)
    #expect(status.owner == Self.owner && status.mode == 0o640)
    #expect(try String(contentsOfFile: log, encoding: .utf8).contains("quota-rotate: rotated "))
  }

  @Test func `does not rotate where another user may write`() throws {
    let folder = bench.folder.path + "/log"
    #expect(unsafe mkdir(folder, 0o755) == 0 && chown(folder, Self.stranger, Self.stranger) == 0)
    let log = try bench.folder.write(
      String(repeating: "a line\n", count: 1000), to: "log/quota.log")
    bench.settings["LOG_FILE"] = log
    try bench.admin("add", "alice")
    let outcome = try Program.run(
      Program.path("quota-rotate"), ["--force"], environment: bench.settings)
    #expect(outcome.status == 77)
    #expect(try names(inDirectory: folder) == ["quota.log"])
  }

  @Test func `has check tell of each file that is not as it should be`() throws {
    try bench.admin("add", "alice")
    #expect(unsafe chmod("\(state)/quota.db", 0o666) == 0 && unlink("\(state)/journal") == 0)
    #expect(unsafe symlink("\(closed)/secret", "\(state)/journal.old") == 0)
    let report = try bench.admin("check").output
    #expect(report.contains("\(state)/quota.db has mode 0666"))
    #expect(report.contains("-> chmod 0600 \(state)/quota.db"))
    #expect(report.contains("there is no \(state)/journal, which the hooks need"))
    #expect(report.contains("\(state)/journal.old is not a file of the directory's owner"))
    #expect(try names(inDirectory: closed).isEmpty)
  }
}
