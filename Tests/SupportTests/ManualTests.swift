import System
import Testing
import TestSupport

@testable import Support

@Suite struct ManualTests {
  static let pages = [
    "quota.conf.5", "openvpn-quota.7", "quota-sweep.8", "quota-rotate.8", "quota-fence.8",
    "quota-sync.8",
    "quota-connect.8", "quota-disconnect.8", "quota-admin.8",
  ]

  @Test func `quota.conf(5) has every setting with its default, in order, and nothing else`() throws
  {
    let entries = try Repository.lines("man/quota.conf.5").filter { $0.hasPrefix(".It Cm ") }
      .map { $0.dropFirst(".It Cm ".count).split(separator: " Ns No =", maxSplits: 1) }
    #expect(entries.map { String($0[0]).replacingSuffix(" Ns No =") } == Settings.keys)
    let folder = try TemporaryDirectory()
    let file = entries.map { entry in
      let key = String(entry[0]).replacingSuffix(" Ns No =")
      return "\(key)=\(entry.count > 1 ? String(entry[1]) : "")\n"
    }
    let loaded = try Settings.load(
      config: folder.write(file.joined(), to: "quota.conf"), environment: [])
    #expect(loaded.settings == Settings())
    #expect(loaded.problems.isEmpty)
  }

  @Test func `quota.conf(5) names the range of every number`() throws {
    let page = try Repository.lines("man/quota.conf.5").joined(separator: " ")
    for (key, range) in [
      ("MONITOR_INTERVAL", "from 30 to 60"), ("MANAGEMENT_TIMEOUT", "from 1 to 30"),
      ("RETRY_ATTEMPTS", "from 1 to 10"), ("LOG_GENERATIONS", "from 1 to 99"),
      ("RETENTION_DAYS", "from 1 to 36500"), ("NOTIFY_AT", "from 1 to 999"),
      ("NOTIFY_DAYS_LEFT", "from 0 to 365"), ("SYNC_INTERVAL", "from 5 to 3600"),
    ] {
      let words = range.split(separator: " ")
      let (least, most) = (try #require(Int(words[1])), try #require(Int(words[3])))
      for (value, isAllowed) in [
        (least - 1, false), (least, true), (most, true), (most + 1, false),
      ] {
        let loaded = Settings.loadLeniently(
          config: "/dev/null", environment: ["\(key)=\(value)"])
        #expect(loaded.problems.isEmpty == isAllowed, "\(key)=\(value)")
      }
      let entry = try #require(page.components(after: ".It Cm \(key) "))
      #expect(entry.contains(range), "\(key)")
    }
  }

  @Test(arguments: [
    "README.md", "CONTRIBUTING.md", "docs/README.md", "docs/install.md", "docs/upgrade.md",
    "docs/security.md", "docs/hosts.md",
  ])
  func `A document's links lead to files that are there`(document: String) throws {
    let text = try Repository.lines(document).joined(separator: "\n")
    let folder = document.hasPrefix("docs/") ? "docs/" : ""
    let links = text.matches(of: /\]\(([^)#:]+)\)/).map { String($0.1) }
    for link in links {
      let place = link.hasPrefix("../") ? String(link.dropFirst(3)) : folder + link
      #expect(throws: Never.self) { try Repository.contents(place) }
    }
    if document == "docs/README.md" {
      // It is an index: every page is in it.
      let pages = try names(inDirectory: Repository.root + "/docs").filter {
        $0.hasSuffix(".md") && $0 != "README.md"
      }
      for page in pages { #expect(links.contains(page), "\(page)") }
    }
    if document == "README.md" { #expect(text.split(separator: "\n").count < 120) }
  }

  @Test(arguments: pages) func `A page has the sections that people look for`(
    page: String
  ) throws {
    let lines = try Repository.lines("man/\(page)")
    var sections = ["NAME", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO"]
    if page.hasSuffix(".8") { sections += ["SYNOPSIS", "ENVIRONMENT", "EXIT STATUS"] }
    for section in sections { #expect(lines.contains(".Sh \(section)"), "\(section)") }
    let name = page.dropLast(2)
    #expect(lines.contains(".Nm \(name)"))
    #expect(lines.contains { $0.uppercased() == ".DT \(name.uppercased()) \(page.suffix(1))" })
  }

  @Test(arguments: [
    "quota-sweep.8", "quota-rotate.8", "quota-fence.8", "quota-sync.8", "quota-admin.8",
  ])
  func `A page lists only exit statuses that there are`(page: String) throws {
    let statuses = try Repository.lines("man/\(page)").compactMap { line in
      line.hasPrefix(".It ") ? Int32(line.dropFirst(4)) : nil
    }
    #expect(statuses == statuses.sorted() && statuses.first == 0)
    for status in statuses { #expect(Support.ExitStatus(rawValue: status) != nil) }
  }
}

extension String {
  fileprivate func replacingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }

  /// What follows a text, up to the next entry of a list.
  fileprivate func components(after text: String) -> Substring? {
    guard let start = firstRange(of: text)?.upperBound else { return nil }
    let rest = String(self[start...])
    return rest[..<(rest.firstRange(of: ".It Cm ")?.lowerBound ?? rest.endIndex)]
  }
}
