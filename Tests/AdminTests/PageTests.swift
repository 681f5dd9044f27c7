import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct `The page` {
  /// What a script that was put behind a copy of the page found out about it.
  private struct Findings: Decodable {
    let title: String
    let page: Int
    let window: Int
    let overflowing: [String]
    let cut: [String]
    let foreign: [String]
    let names: [String]
  }

  private static let script = """
    <script id="measure">
    const all = [...document.querySelectorAll('body *')].filter(e => e.id != 'measure');
    const shown = e => e.outerHTML.slice(0, 120);
    const handlers = e => [...e.attributes].some(a => a.name.startsWith('on'));
    const findings = {
      title: document.title,
      page: document.documentElement.scrollWidth,
      window: window.innerWidth,
      overflowing: all.filter(e => {
        const box = e.getBoundingClientRect();
        return box.width > 0 && (box.left < -0.5 || box.right > window.innerWidth + 0.5);
      }).map(shown),
      cut: all.filter(e => e.matches('h1, h2, p, th, td, .tick, .dates span')
        && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1).map(shown),
      foreign: all.filter(e => handlers(e)
        || e.matches('script, link, img, iframe, object, embed, form, [src], [href]')).map(shown),
      names: [...document.querySelectorAll('td bdi')].map(e => e.textContent),
    };
    parent.postMessage(btoa(unescape(encodeURIComponent(JSON.stringify(findings)))), '*');
    </script>
    """

  /// No window of this browser is as narrow as a phone, but a frame in one can be.
  private static func frame(_ page: String, width: Int) -> String {
    """
    <!DOCTYPE html><meta charset="utf-8"><pre id="findings"></pre>
    <script>onmessage = m => document.getElementById('findings').textContent = m.data</script>
    <iframe src="\(page)" style="width: \(width)px; height: 2000px; border: 0"></iframe>
    """
  }

  private func bench(users: Int, days: Int = 30) throws -> Bench {
    let bench = try Bench()
    try bench.admin("list")
    try ManyUsers.fill(bench.probe, users: users, days: days)
    return bench
  }

  private func page(_ bench: Bench, _ arguments: [String] = []) throws -> String {
    let path = bench.folder.path + "/report.html"
    #expect(try bench.run(["report", "--html", path] + arguments).isFine)
    return path
  }

  private func measure(_ page: String, width: Int) throws -> Findings {
    let policy = "default-src 'none'; style-src 'unsafe-inline'"
    let text = try String(contentsOfFile: page, encoding: .utf8)
    #expect(text.contains(policy))
    let open = text.replacing(policy, with: "").replacing("</body>", with: Self.script + "</body>")
    let copy = page.replacing(".html", with: "-measured.html")
    try open.write(toFile: copy, atomically: true, encoding: .utf8)
    let frame = page.replacing(".html", with: "-frame.html")
    try Self.frame(copy, width: width).write(toFile: frame, atomically: true, encoding: .utf8)
    let document = try Browser.document(of: frame, width: max(width + 100, 600))
    let match = try #require(document.firstMatch(of: /<pre id="findings">([^<]+)<\/pre>/))
    let json = try #require(Data(base64Encoded: String(match.output.1)))
    return try JSONDecoder().decode(Findings.self, from: json)
  }

  @Test func `says who goes on past the quota, and how fast`() throws {
    let bench = try Bench()
    bench.settings["FENCE"] = "yes"
    try bench.admin("add", "carol", "--quota", "1MB", "--then", "2Mbit/512kbit")
    try bench.admin("add", "dave", "--quota", "1MB")
    for name in ["carol", "dave"] { try bench.probe.addUsage(Usage(sent: 2_000_000), of: name) }
    let text = try String(contentsOfFile: page(bench), encoding: .utf8)
    #expect(text.contains("1 slowed, and 0 at 80%"))
    #expect(text.contains("Goes on") && text.contains("2Mbit/512kbit"))
    bench.settings["FENCE"] = "no"
    let unfenced = try String(contentsOfFile: page(bench), encoding: .utf8)
    #expect(!unfenced.contains("Goes on") && !unfenced.contains("slowed"))
  }

  /// Screenshots are kept below `.build` for people to look at.
  private func picture(_ name: String) throws -> String {
    let folder = #filePath.replacing(
      "Tests/AdminTests/PageTests.swift", with: ".build/screenshots")
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    return "\(folder)/\(name).png"
  }

  @Test(
    .enabled(if: Browser.isThere, "chromium is not installed"), arguments: [5, 500, 5000])
  func `overflows nowhere, on a desk and on a phone`(users: Int) throws {
    let bench = try bench(users: users)
    let page = try page(bench)
    for width in [1280, 390] {
      let picture = try picture("report-\(users)-users-\(width)")
      try Browser.screenshot(of: page, width: width, to: picture)
      let image = try Data(contentsOf: URL(fileURLWithPath: picture))
      let drawn = image[16..<20].reduce(0) { $0 << 8 | Int($1) }
      #expect(image.starts(with: [0x89, 0x50, 0x4E, 0x47]) && drawn == width)
      let found = try measure(page, width: width)
      #expect(found.window == width)
      #expect(found.page == width)
      #expect(found.overflowing == [] && found.cut == [])
    }
  }

  @Test(.enabled(if: Browser.isThere, "chromium is not installed"), arguments: [1280, 390])
  func `of a user overflows nowhere, whatever their name is`(width: Int) throws {
    let bench = try bench(users: 24)
    bench.settings["USER_PAGES"] = bench.folder.path
    // One that is markup, and the longest one.
    for index in [0, 3] {
      let linked = try Program.run(
        Program.path("quota-admin"), ["link", "--", ManyUsers.hostile[index]],
        environment: bench.settings)
      try #require(linked.isFine, "\(linked.errors)")
      let page = String(linked.output.dropLast())
      let found = try measure(page, width: width)
      #expect(found.page == width && found.overflowing == [] && found.cut == [])
      #expect(found.title == "VPN traffic" && found.foreign == [])
      try Browser.screenshot(of: page, width: width, to: picture("user-\(index)-\(width)"))
    }
  }

  @Test(.enabled(if: Browser.isThere, "chromium is not installed"))
  func `takes no name for anything but a name`() throws {
    let bench = try bench(users: 24)
    let found = try measure(try page(bench), width: 1280)
    #expect(found.title.hasPrefix("VPN traffic of ") && found.foreign == [])
    for name in ManyUsers.hostile where !name.contains("\u{202E}") {
      #expect(found.names.contains { $0.utf8.elementsEqual(name.utf8) })
    }
    #expect(found.names.contains("\\xE2\\x80\\xAEreversed"))
  }

  @Test(.enabled(if: Browser.isThere, "chromium is not installed"), arguments: [1280, 390])
  func `is whole where nothing has happened, and where more was moved than anybody can`(
    width: Int
  ) throws {
    let empty = try Bench()
    #expect(try measure(page(empty), width: width).overflowing == [])
    let full = try bench(users: 20)
    try full.probe.widenFigures()
    let found = try measure(page(full), width: width)
    #expect(found.overflowing == [])
    #expect(found.cut == [])
  }

  @Test func `tells of a day, a month and a year`() throws {
    let bench = try bench(users: 5, days: 400)
    for since in ["today", "30d", "365d", "0001-01-01", "9999d"] {
      let text = try String(contentsOfFile: page(bench, ["--since", since]), encoding: .utf8)
      #expect(text.contains("Top users") && text.contains("user0002@example.org"))
    }
  }

  @Test func `says when a quota will be used up`() throws {
    let bench = try Bench()
    try bench.admin("add", "alice", "--quota", "100MiB")
    try bench.admin("add", "bob", "--quota", "100MiB")
    for (name, days) in [("alice", 9), ("bob", 9000)] as [(String, Int64)] {
      try bench.probe.addHistory(Usage(sent: 90 << 20), of: name, daysAgo: 1)
      try bench.probe.addUsage(Usage(sent: 90 << 20), of: name)
      try bench.probe.setCreated(name, daysAgo: days)
    }
    let text = try String(contentsOfFile: page(bench), encoding: .utf8)
    let lines = text.split(separator: "\n")
    // 90 MiB in nine days leave 10 MiB for one more.
    let alice = try #require(lines.last { $0.contains("<bdi>alice</bdi>") })
    #expect(alice.contains(">90%<") && !alice.contains("not soon"))
    let bob = try #require(lines.last { $0.contains("<bdi>bob</bdi>") })
    #expect(bob.contains(">90%<") && bob.contains("<td>not soon</td>"))
  }

  @Test func `is written whole, for everybody to read, or not at all`() throws {
    let bench = try Bench()
    try bench.admin("add", "alice")
    let page = try page(bench)
    let mode = try FileManager.default.attributesOfItem(atPath: page)[.posixPermissions] as? Int
    #expect(mode == 0o644)
    let failed = try bench.run(["report", "--html", bench.folder.path + "/no/report.html"])
    #expect(failed.status == 74 && failed.errors.contains("No such file or directory"))
    let onto = try bench.run(["report", "--html", bench.folder.path])
    #expect(onto.status == 74 && onto.errors.contains("Is a directory"))
    #expect(try bench.run(["report", "--html", "-"]).output.hasPrefix("<!DOCTYPE html>"))
    #expect(try bench.run(["report", "--html", "/dev/stdout"]).output.hasSuffix("</html>\n"))
    let files = try FileManager.default.contentsOfDirectory(atPath: bench.folder.path)
    #expect(files.filter { $0.contains("report") } == ["report.html"])
  }
}
