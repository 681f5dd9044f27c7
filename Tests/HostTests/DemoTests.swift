import Foundation
import TestSupport
import Testing

/// The page that `make demo` shows, which checks its own claims.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct DemoTests {
  /// The script, where everybody may read it.
  private func script(_ quota: QuotaHost) throws -> String {
    let tests = ((#filePath as NSString).deletingLastPathComponent as NSString)
      .deletingLastPathComponent
    return try quota.host.write(
      try String(contentsOfFile: tests + "/demo/demo.sh", encoding: .utf8), to: "demo.sh",
      mode: 0o755)
  }

  /// What a run left that is over; other tests may be at it beside us.
  private func leftovers() throws -> [String] {
    try
      (FileManager.default.contentsOfDirectory(atPath: "/run/netns")
      + FileManager.default.contentsOfDirectory(atPath: NSTemporaryDirectory())).filter { name in
        guard let owner = name.firstMatch(of: /^oq([0-9]+)-/).flatMap({ pid_t($0.1) }) else {
          return false
        }
        return kill(owner, 0) != 0
      }
  }

  @Test func `its claims come true on a real OpenVPN, and it cleans up`() throws {
    let quota = try QuotaHost()
    let told = try Program.run(script(quota), [quota.shareThePrograms()], timeout: 300)
    #expect(told.status == 0, "\(told.output)\(told.errors)")
    #expect(told.output.contains("on OpenVPN 2"))
    #expect(told.output.contains("All 10 claims on this page came true."))
    #expect(!told.output.contains("\u{1b}"), "no colour but on a terminal")
    #expect(told.errors.isEmpty)
    #expect(try leftovers().isEmpty)
  }

  @Test func `without root they come true on the simulator, and it says so`() throws {
    let quota = try QuotaHost()
    let told = try Program.run(
      "setpriv",
      [
        "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", try script(quota),
        try quota.shareThePrograms(),
      ], timeout: 300)
    #expect(told.status == 0, "\(told.output)\(told.errors)")
    #expect(told.output.contains("the bundled simulator"))
    #expect(told.output.contains("not root"))
    #expect(told.output.contains("All 10 claims on this page came true."))
    #expect(told.errors.isEmpty)
    #expect(try leftovers().isEmpty)
  }

  @Test func `it says which claim did not come true`() throws {
    let quota = try QuotaHost()
    let programs = try quota.shareThePrograms()
    // A sweep that does nothing.
    try FileManager.default.removeItem(atPath: programs + "/quota-sweep")
    try FileManager.default.createSymbolicLink(
      atPath: programs + "/quota-sweep", withDestinationPath: "/bin/true")
    let told = try Program.run(
      "setpriv",
      ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", try script(quota), programs],
      timeout: 300)
    #expect(told.status == 1)
    #expect(told.output.contains("[FAILED] her client stopped and shows the message"))
  }
}
