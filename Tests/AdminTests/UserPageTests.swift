import Foundation
import TestSupport
import Testing

/// The pages that users have of their own.
@Suite struct `A user's page` {
  let bench: Bench
  let pages: String

  init() throws {
    bench = try Bench()
    pages = bench.folder.path + "/web"
    try FileManager.default.createDirectory(
      atPath: pages, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o711])
    bench.settings["USER_PAGES"] = pages
    try bench.populate()
  }

  private func files() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: pages).sorted()
  }

  private func link(_ arguments: String...) throws -> String {
    let outcome = try Program.run(
      Program.path("quota-admin"), ["link"] + arguments, environment: bench.settings)
    #expect(outcome.isFine, "\(outcome.errors)")
    return String(outcome.output.dropLast())
  }

  /// What tells one writing of a file from the next.
  private func number(_ file: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: file)
    return try #require(attributes[.systemFileNumber] as? Int)
  }

  private func text(_ file: String) throws -> String {
    try String(contentsOfFile: file, encoding: .utf8)
  }

  @Test func `says what is left, what was moved, and what happens then`() throws {
    try bench.admin("set", "alice", "--max-sessions", "3")
    let page = try text(link("alice"))
    #expect(page.contains("VPN traffic of <bdi>alice</bdi>") && page.contains("You can connect."))
    #expect(page.contains(">8 GiB<") && page.contains("of 10 GiB"))
    #expect(page.contains("1.5 GiB down, 512 MiB up") && page.contains("live, of 3 at once"))
    #expect(page.contains("You are disconnected, and cannot connect again until an administrator"))
    #expect(page.contains("default-src 'none'") && !page.contains("192.0.2.7"))
    try bench.admin("set", "alice", "--quota", "1GiB")
    #expect(try bench.admin("pages").isFine)
    #expect(try text(link("alice")).contains("Your quota is used up."))
    try bench.admin("disable", "alice")
    #expect(try bench.admin("pages").isFine)
    #expect(try text(link("alice")).contains("Your account is disabled."))
  }

  @Test func `says when usage starts over, and when the account expires before`() throws {
    try bench.admin("add", "carol", "--quota", "1GiB", "--period", "year")
    let page = try text(link("carol"))
    #expect(
      page.contains("usage starts over")
        && page.contains("can connect again when usage starts over, on "))
    try bench.admin("set", "carol", "--expires", "+1h")
    #expect(try bench.admin("pages").isFine)
    #expect(try text(link("carol")).contains("the account expires"))
  }

  @Test func `of one without a quota says so`() throws {
    let page = try text(link("bob"))
    #expect(page.contains(">unlimited<") && page.contains("There is no quota to be used up."))
  }

  @Test func `has a name that stays, and that nobody can guess, until it is renewed`() throws {
    let first = try link("alice")
    #expect(first.wholeMatch(of: /.*\/web\/[0-9a-f]{32}\.html/) != nil)
    #expect(try link("alice") == first && link("bob") != first)
    try bench.admin("rename", "alice", "alicia")
    #expect(try link("alicia") == first)
    let second = try link("--renew", "alicia")
    #expect(second != first)
    #expect(!FileManager.default.fileExists(atPath: first))
    #expect(try text(second).contains("alicia"))
    let mode = try FileManager.default.attributesOfItem(atPath: second)[.posixPermissions] as? Int
    #expect(mode == 0o644)
  }

  @Test func `is written only where its numbers have changed`() throws {
    #expect(try bench.admin("pages").isFine)
    let (alice, bob) = try (link("alice"), link("bob"))
    #expect(
      try files() == [alice, bob, "index.html"].map { ($0 as NSString).lastPathComponent }.sorted())
    #expect(try text(pages + "/index.html") == "")
    let before = try (number(alice), number(bob))
    #expect(try bench.admin("pages").isFine)
    #expect(try (number(alice), number(bob)) == before)
    try bench.probe.addUsage(Usage(received: 1), of: "bob")
    #expect(try bench.admin("pages").isFine)
    #expect(try number(alice) == before.0 && number(bob) != before.1)
    #expect(try bench.admin("pages", "--all").isFine)
    #expect(try number(alice) != before.0)
  }

  @Test func `is written anew where the directory was emptied`() throws {
    #expect(try bench.admin("pages").isFine)
    let all = try files()
    for file in all { try FileManager.default.removeItem(atPath: pages + "/" + file) }
    #expect(try bench.admin("pages").isFine)
    #expect(try files() == all)
  }

  @Test func `goes with its user`() throws {
    #expect(try bench.admin("pages").isFine)
    let (alice, bob) = try (link("alice"), link("bob"))
    try bench.admin("remove", "alice", "--yes")
    #expect(try bench.admin("pages").isFine)
    #expect(!FileManager.default.fileExists(atPath: alice))
    #expect(FileManager.default.fileExists(atPath: bob))
    // A new user of that name is another one.
    try bench.admin("add", "alice")
    #expect(try link("alice") != alice)
  }

  @Test func `goes also with a user who is removed before pages are written`() throws {
    let page = try link("alice")
    try bench.admin("remove", "alice", "--yes")
    #expect(try bench.admin("pages").isFine)
    #expect(!FileManager.default.fileExists(atPath: page))
  }

  @Test func `is not written where others may write`() throws {
    #expect(unsafe chmod(pages, 0o777) == 0)
    for command in [["pages"], ["link", "alice"]] {
      let outcome = try Program.run(
        Program.path("quota-admin"), command, environment: bench.settings)
      #expect(outcome.status == 77 && outcome.errors.contains("install -d -o openvpn-quota"))
    }
    #expect(try files().isEmpty)
    bench.settings["USER_PAGES"] = "/nonexistent/pages"
    #expect(try bench.admin("pages").status == 73)
    bench.settings["USER_PAGES"] = ""
    #expect(try bench.admin("pages").isFine)
    #expect(try bench.admin("link", "alice").status == 78)
  }

  /// `link` gives a page of a user to who delivers notices.
  @Test func `is named to NOTIFY_COMMAND`() throws {
    let page = try link("alice")
    let command = try bench.folder.write(
      "#!/bin/sh\necho \"$QUOTA_USER $QUOTA_PAGE\" >>'\(bench.folder.path)/told'\n", to: "notify",
      mode: 0o755)
    bench.settings["NOTIFY_COMMAND"] = command
    bench.settings["NOTIFY_DAYS_LEFT"] = "7"
    try bench.admin("set", "alice", "--expires", "+2d")
    #expect(try bench.admin("notify").isFine)
    let (told, name) = (bench.folder.path + "/told", (page as NSString).lastPathComponent)
    #expect(try text(told) == "alice \(name)\n")
    bench.settings["USER_PAGES_URL"] = "https://vpn.example.net/usage"
    #expect(try link("alice") == "https://vpn.example.net/usage/\(name)")
    try bench.admin("set", "alice", "--expires", "+3d")
    #expect(try bench.admin("notify").isFine)
    #expect(try text(told).hasSuffix("\nalice https://vpn.example.net/usage/\(name)\n"))
  }
}
