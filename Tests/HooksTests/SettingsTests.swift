import Foundation
import Gate
import Quota
import TestSupport
import Testing

@Suite struct `Of the settings a hook` {
  private func client(_ host: HookHost, _ changes: [String: String?]) -> [String: String] {
    host.client(
      "alice", changes: ["DATABASE": nil, "QUOTA_CONFIG": nil].merging(changes) { $1 })
  }

  @Test func `reads DATABASE and ON_ERROR from the file that is named`() throws {
    let host = try HookHost()
    host.users["alice"] = AccessUser(isEnabled: false)
    try host.publish()
    let file = try host.folder.write(
      """
      # A comment \\
      ;ON_ERROR=nonsense
      UNKNOWN_KEY=x
      COUNT=nonsense
      DATABASE="\(host.path)/quota.db"
      ON_ERROR = 'REJECT'
      """, to: "hooks.conf")
    #expect(!host.connect(client(host, [:]), ["--config", file]).isIn)
    #expect(!host.connect(client(host, ["QUOTA_CONFIG": file])).isIn)
    #expect(try host.records().map(\.reason) == [.disabled, .disabled])
    try FileManager.default.removeItem(atPath: host.path + "/access")
    #expect(!host.connect(client(host, ["QUOTA_CONFIG": file])).isIn)
    #expect(host.connect(client(host, ["QUOTA_CONFIG": file, "ON_ERROR": "allow"])).isIn)
    #expect(try host.records().map(\.reason) == [.disabled, .disabled, .undecided, nil])
  }

  @Test(arguments: [
    ("DATABASE=quota.db", "DATABASE is 'quota.db'"), ("DATABASE=/a/", "DATABASE is '/a/'"),
    ("DATABASE=", "DATABASE is ''"), ("ON_ERROR=maybe", "allowed is one of: allow reject"),
    ("ON_ERROR=", "allowed is one of: allow reject"),
  ])
  func `tells what is wrong with them, and what held before holds on`(
    line: String, problem: String
  ) throws {
    let host = try HookHost()
    try host.publish()
    let file = try host.folder.write(
      "DATABASE=\(host.path)/quota.db\nON_ERROR=reject\n\(line)\n", to: "hooks.conf")
    let ran = host.connect(client(host, ["QUOTA_CONFIG": file]))
    #expect(ran.isIn)
    #expect(ran.errors.count == 1)
    #expect(ran.errors.first?.contains("hooks.conf:3: ") == true)
    #expect(ran.errors.first?.contains(problem) == true)
    #expect(try host.records().count == 1)
  }

  @Test(.timeLimit(.minutes(4)), arguments: ["nothing", "a pipe", "a directory", "too large"])
  func `tells that their file cannot be read`(what: String) throws {
    let host = try HookHost()
    try host.publish()
    let file = host.path + "/hooks.conf"
    switch what {
    case "a pipe": unsafe mkfifo(file, 0o666)
    case "a directory": unsafe mkdir(file, 0o777)
    case "too large":
      try host.folder.write(String(repeating: "#", count: 300_000), to: "hooks.conf")
    default: break
    }
    let ran = host.connect(client(host, ["DATABASE": host.path + "/quota.db"]), ["--config", file])
    #expect(ran.isIn)
    #expect(ran.errors.count == 1)
    #expect(ran.errors.first?.contains("; the defaults hold") == true)
    #expect(try host.records().count == 1)
  }
}
