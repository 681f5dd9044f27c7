import TestSupport
import Testing

@Suite struct `On a terminal` {
  private func bench() throws -> Bench {
    let bench = try Bench()
    try bench.populate()
    let longName = String(repeating: "long-name.", count: 12)
    try bench.admin("add", longName)
    try bench.probe.addHistory(
      Usage(received: 1 << 30, sent: 300 << 30), of: "alice", daysAgo: 0)
    try bench.probe.addHistory(Usage(sent: 1), of: longName, daysAgo: 0)
    return bench
  }

  private func widths(_ seen: Screen) -> [Int] { seen.text.split(separator: "\n").map(\.count) }

  @Test(arguments: [60, 80, 120])
  func `a table fits, and the longest bar ends near its edge`(columns: Int) throws {
    let bench = try bench()
    try bench.probe.setRealAddresses(to: "[2001:db8:1234:5678:9abc::1]:51820")
    for command in [
      ["list"], ["top"], ["usage"], ["usage", "--by", "session", "--since", "2026-11-01"],
      ["usage", "--by", "server"], ["events"],
    ] {
      let seen = try Screen.run(bench, command, columns: columns)
      #expect(seen.status == 0)
      let widest = widths(seen).max() ?? 0
      // What happened is told in full, and a terminal breaks a line that is too long for it.
      if command != ["events"] { #expect(widest <= columns, "\(command)") }
      #expect(!seen.text.contains("long-name.long-name.long-name.long-name.long"))
    }
    let top = try Screen.run(bench, ["top"], columns: columns)
    #expect(top.text.contains("…") && (columns == 60 || top.text.contains("███")))
  }

  @Test func `a table leaves out what it can before it breaks`() throws {
    let bench = try bench()
    let command = ["usage", "--by", "session", "--since", "2026-11-01"]
    let headings = try [60, 100, 200].map { columns in
      try Screen.run(bench, command, columns: columns).text.split(separator: "\n")[0]
    }
    #expect(!headings[0].contains("SERVER") && !headings[0].contains("FROM"))
    #expect(headings[1].contains("SERVER") && headings[1].contains("FROM"))
    #expect(headings[2].contains("SERVER") && headings[2].contains("FROM"))
  }

  @Test func `a sweep that tells its result does not show the log's lines besides`() throws {
    let bench = try bench()
    bench.settings["LOG_FILE"] = ""
    bench.settings["MANAGEMENT"] = "udp=unix:\(bench.folder.path)/none.sock"
    bench.settings["RETRY_ATTEMPTS"] = "1"
    let sweep = Program.path("quota-sweep")
    #expect(try Screen.run(bench, program: sweep).text.contains("quota-sweep: info: swept "))
    let seen = try Screen.run(bench, ["--verbose"], program: sweep)
    #expect(seen.status == 69 && seen.text.contains("quota-sweep: error: server udp: "))
    #expect(!seen.text.contains("info: swept") && seen.text.contains("0 sessions, "))
  }

  @Test func `names are cut nowhere else`() throws {
    let name = String(repeating: "long-name.", count: 12)
    #expect(try bench().run(["top"]).output.contains(name))
  }

  @Test func `headings and bars are coloured, unless NO_COLOR or TERM says otherwise`() throws {
    let bench = try bench()
    let seen = try Screen.run(bench, ["top"])
    #expect(seen.screen.contains("\u{1B}[1mUSER\u{1B}[0m") && seen.screen.contains("\u{1B}[36m█"))
    for plain in [["NO_COLOR": "1"], ["TERM": "dumb"], ["TERM": ""]] {
      #expect(try !Screen.run(bench, ["top"], settings: plain).screen.contains("\u{1B}"))
    }
    #expect(
      try Screen.run(bench, ["top"], settings: ["NO_COLOR": ""]).screen.contains("\u{1B}"))
    #expect(try !bench.run(["top"]).output.contains("\u{1B}"))
  }

  @Test func `what programs read is escaped, for people look at it there`() throws {
    let bench = try bench()
    try bench.probe.setName(of: "alice", to: "a\u{1B}[2J\u{202E}b")
    for command in [["top", "--csv"], ["metrics"], ["usage", "--by", "session", "--csv"]] {
      let seen = try Screen.run(bench, command)
      #expect(!seen.screen.contains("\u{1B}") && !seen.screen.contains("\u{202E}"))
    }
    #expect(try bench.run(["top", "--csv"]).output.contains("a\u{1B}[2J\u{202E}b"))
  }
}
