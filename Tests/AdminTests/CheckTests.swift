import Foundation
import System
import TestSupport
import Testing

/// What `quota-admin check` finds, on installations of a test's own.
@Suite struct CheckTests {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  /// Writes the settings and runs the command.
  func check(_ settings: String = "", _ options: String...) throws -> Outcome {
    let config = try folder.write(
      """
      DATABASE=\(folder.path)/data/quota.db
      LOG_FILE=\(folder.path)/log
      OPENVPN_CONFIGS=\(folder.path)/openvpn/*.conf
      MANAGEMENT_TIMEOUT=1
      RETRY_ATTEMPTS=1
      \(settings)

      """, to: "quota.conf")
    return try Program.run(
      Program.path("quota-admin"), ["check", "--config", config] + options,
      environment: ["PATH": "/usr/bin:/bin"])
  }

  /// A directory, a database and a log as they should be.
  func install() throws {
    let data = "\(folder.path)/data"
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: false)
    #expect(unsafe chmod(data, 0o2750) == 0)
    try folder.write("", to: "log", mode: 0o660)
    try folder.write(
      "DATABASE=\(data)/quota.db\nLOG_FILE=\nOPENVPN_CONFIGS=\n", to: "first.conf")
    let sweep = try Program.run(
      Program.path("quota-sweep"), ["--config", "\(folder.path)/first.conf"], environment: [:])
    #expect(sweep.status == 0)
  }

  /// A server's config with these lines.
  func serve(_ lines: String...) throws {
    let text = ["server 10.8.0.0 255.255.255.0", "dev tun"] + lines
    try folder.write(text.joined(separator: "\n") + "\n", to: "openvpn/udp.conf")
  }

  /// The lines of the report, spaces folded.
  func lines(_ outcome: Outcome) -> [String] {
    outcome.output.split(separator: "\n").map { line in
      line.split(separator: " ").joined(separator: " ")
    }
  }

  @Test func `An installation with nothing there is told what is missing, and stays as it was`()
    throws
  {
    let outcome = try check()
    #expect(outcome.status == 2 && outcome.errors.isEmpty)
    let lines = lines(outcome)
    #expect(lines.contains("error database there is no \(folder.path)/data"))
    #expect(lines.contains("error log there is no \(folder.path)/log"))
    #expect(lines.contains("warning servers no server is configured"))
    #expect(try names(inDirectory: folder.path) == ["quota.conf"])
  }

  @Test func `Every error and warning has what mends it below`() throws {
    let report = lines(try check("MONITOR_INTERVAL=soon"))
    for (index, line) in report.enumerated()
    where line.hasPrefix("error ") || line.hasPrefix("warning ") {
      #expect(index + 1 < report.count && report[index + 1].hasPrefix("-> "), "\(line)")
    }
    #expect(
      report.contains { $0.hasPrefix("error settings \(folder.path)/quota.conf:6: MONITOR_") })
  }

  @Test func `A database that is as it should be is whole, and one that is damaged is not`() throws
  {
    try install()
    let path = "\(folder.path)/data/quota.db"
    #expect(try check().output.contains("\(path) is whole"))
    try folder.write("this is no database, whatever its name says", to: "data/quota.db")
    let outcome = try check()
    #expect(outcome.status == 2)
    #expect(outcome.output.contains("file is not a database"))
  }

  @Test(arguments: [0o2700, 0o755, 0o2770])
  func `A directory with another mode is told with the command that mends it`(mode: mode_t) throws {
    try install()
    #expect(unsafe chmod("\(folder.path)/data", mode) == 0)
    let lines = lines(try check())
    #expect(lines.contains { $0.hasSuffix("chmod 2750 \(folder.path)/data") })
  }

  @Test func `A server without hooks is told the lines that it lacks`() throws {
    try install()
    try serve("management \(folder.path)/m.sock unix", "script-security 2")
    let lines = lines(try check())
    let config = "\(folder.path)/openvpn/udp.conf"
    #expect(lines.contains("error server udp \(config) has no client-connect line"))
    let remedy = "quota-admin setup udp, which writes: client-connect \"/"
    #expect(lines.contains { $0.hasPrefix("-> \(remedy)") })
    #expect(lines.contains { $0.hasSuffix("/quota-connect --server udp\"") })
    #expect(
      lines.contains {
        $0.hasPrefix("warning server udp nothing listens at unix:\(folder.path)/m.sock: it is not")
      })
    // What mends the first error is next.
    let first = lines.firstIndex { $0.hasPrefix("error ") }
    #expect(lines.last == first.map { "next: " + lines[$0 + 1].dropFirst(3) })
  }

  @Test func `Where nothing is wrong the next step is the first user`() throws {
    try install()
    #expect(try check().output.contains("there are none yet"))
    let report = lines(try check("MANAGEMENT=unix:/nonexistent/x"))
    #expect(report.contains("-> quota-admin add NAME --quota 50GB --period month"))
  }

  @Test func `Rates that nothing holds anybody to are told`() throws {
    try install()
    let settings = ["QUOTA_CONFIG": "/dev/null", "DATABASE": "\(folder.path)/data/quota.db"]
    let added = try Program.run(
      Program.path("quota-admin"), ["add", "alice", "--quota", "1GB", "--then", "1Mbit"],
      environment: settings.merging(["FENCE": "yes"]) { $1 })
    #expect(added.status == 0, "\(added.errors)")
    #expect(
      lines(try check()).contains {
        $0.hasPrefix("warning users 1 user has a rate, and FENCE is no: nobody is slowed down")
      })
    #expect(!(try check("FENCE=yes").output.contains("nobody is slowed down")))
  }

  @Test func `Other programs' files beside are no servers`() throws {
    try install()
    try serve("management \(folder.path)/m.sock unix")
    try folder.write("<LDAP>\n  Password \"it's\n</LDAP>\nURL \"x\n", to: "openvpn/ldap.conf")
    try folder.write("remote vpn.example.org\nconfig gone\n", to: "openvpn/laptop.conf")
    let output = try check().output
    #expect(!output.contains("ldap") && !output.contains("laptop"), "\(output)")
  }

  @Test func `A script in the place of a hook goes behind it`() throws {
    try install()
    try serve("management \(folder.path)/m.sock unix", "client-connect \"/etc/greet.sh hello\"")
    let report = lines(try check())
    #expect(
      report.contains { $0.contains("/quota-connect --server udp --then /etc/greet.sh hello\"") })
    #expect(report.contains { $0.contains("below script-security 2") })
    #expect(report.contains("-> script-security 2"))
  }

  @Test(arguments: ["/home/me", "/root", "/tmp/x", "/run/user/0"])
  func `A hook where OpenVPN's unit cannot see it is an error`(place: String) throws {
    try install()
    try serve(
      "management \(folder.path)/m.sock unix", "script-security 2",
      "client-connect \(place)/quota-connect", "client-disconnect \(place)/quota-disconnect")
    let report = lines(try check())
    let what = "OpenVPN's unit hides \(place)/quota-connect from the server"
    #expect(report.contains { $0.hasSuffix(what) })
  }

  @Test func `A server whose group cannot write is told the group`() throws {
    try install()
    try serve("management \(folder.path)/m.sock unix", "user nobody", "group nogroup")
    #expect(unsafe chmod(folder.path, 0o755) == 0)
    let report = lines(try check())
    #expect(
      report.contains {
        $0.hasPrefix("error server udp hooks run as nobody with group nogroup, which may not use ")
      })
    #expect(report.contains("-> group openvpn-quota"))
  }

  @Test func `For programs it is JSON, with hostile text escaped`() throws {
    try folder.write("server 10.8.0.0 255.255.255.0\n", to: "openvpn/\u{1B}[31m.conf")
    let outcome = try check("", "--json")
    #expect(outcome.status == 2)
    let json = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    let report = try #require(json as? [String: Any])
    let checks = try #require(report["checks"] as? [[String: Any]])
    #expect(checks.count { $0["level"] as? String == "error" } == report["errors"] as? Int)
    #expect(!outcome.output.contains("\u{1B}"))
    #expect(!(try check().output.contains("\u{1B}")))
  }
}
