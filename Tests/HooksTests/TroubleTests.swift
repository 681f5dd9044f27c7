import Foundation
import Gate
import Quota
import System
import TestSupport
import Testing

@Suite struct `Without a table that can be read` {
  static let tables = [
    "nothing", "garbage", "empty", "a link", "a pipe", "a directory", "another's",
  ]

  @Test(.timeLimit(.minutes(4)), arguments: tables, [OnError.allow, .reject])
  func `ON_ERROR answers, and one line says so`(table: String, onError: OnError) throws {
    let host = try HookHost()
    host.users["alice"] = AccessUser(isEnabled: false)
    try host.publish()
    let (path, elsewhere) = (host.path + "/access", host.path + "/elsewhere")
    try System.rename(path, to: elsewhere)
    switch table {
    case "garbage": try host.folder.write(String(repeating: "g", count: 9000), to: "access")
    case "empty": try host.folder.write("", to: "access")
    case "a link":
      try FileManager.default.createSymbolicLink(
        atPath: path, withDestinationPath: elsewhere)
    case "a pipe": unsafe mkfifo(path, 0o666)
    case "a directory": unsafe mkdir(path, 0o777)
    case "another's":
      try System.rename(elsewhere, to: path)
      guard unsafe chown(path, 65534, 65534) == 0 else { return }
    default: break
    }
    let word = onError == .allow ? "Allow" : "reject"
    let ran = host.connect(host.client("alice", changes: ["ON_ERROR": word]))
    #expect(ran.isIn == (onError == .allow))
    #expect(ran.errors.count == 1)
    let line = try #require(ran.errors.first)
    #expect(line.hasPrefix("quota-connect: warning: ") && line.contains("; ON_ERROR "))
    let record = try #require(try host.records().last)
    #expect(record.kind == (onError == .allow ? .in : .out))
    #expect(record.reason == (onError == .allow ? nil : .undecided))
    #expect(record.owner == Array("alice".utf8))
  }

  @Test func `and without its directory, nothing is written`() throws {
    let host = try HookHost()
    let client = host.client("alice", changes: ["DATABASE": host.path + "/none/quota.db"])
    let ran = host.connect(client, ["--then", "/bin/script"])
    #expect(ran.isIn)
    #expect(ran.errors.count == 1)
    #expect(host.scripts == [2])
    host.script = { 1 }
    #expect(!host.connect(client, ["--then", "/bin/script"]).isIn)
    #expect(host.disconnect(client).errors.count == 1)
  }
}

@Suite struct `Without a journal that can be written` {
  static let journals = ["nothing", "a link", "a pipe", "a directory", "another's", "a socket"]

  @Test(.timeLimit(.minutes(4)), arguments: journals, [true, false])
  func `the answer is the same, and one line says so`(journal: String, isEnabled: Bool) throws {
    let host = try HookHost()
    host.users["alice"] = AccessUser(isEnabled: isEnabled)
    try host.publish()
    let (path, elsewhere) = (host.path + "/journal", host.path + "/elsewhere")
    try System.rename(path, to: elsewhere)
    switch journal {
    case "a link":
      try FileManager.default.createSymbolicLink(
        atPath: path, withDestinationPath: elsewhere)
    case "a pipe": unsafe mkfifo(path, 0o666)
    case "a directory": unsafe mkdir(path, 0o777)
    case "a socket": unsafe mknod(path, S_IFSOCK | 0o666, 0)
    case "another's":
      try System.rename(elsewhere, to: path)
      guard unsafe chown(path, 65534, 65534) == 0 else { return }
    default: break
    }
    let ran = host.connect(host.client("alice"))
    #expect(ran.isIn == isEnabled)
    #expect(ran.errors.count == 1)
    let ended = host.disconnect(host.client("alice"), ["--then", "/bin/script"])
    #expect(ended.status == 0)
    #expect(ended.errors.first?.hasPrefix("quota-disconnect: warning: cannot ") == true)
    #expect(host.successors == [2])
  }
}

@Suite struct `With a bad environment` {
  @Test(arguments: ["script_type", "daemon_pid", "time_unix"])
  func `ON_ERROR answers`(variable: String) throws {
    let host = try HookHost()
    try host.publish()
    for (word, isIn) in [("allow", true), ("reject", false)] {
      let client = host.client("alice", changes: [variable: nil, "ON_ERROR": word])
      let ran = host.connect(client, ["--then", "/bin/script"])
      #expect(ran.isIn == isIn)
      #expect(ran.errors.count == 1)
      #expect(ran.errors.first?.contains("OpenVPN's variable \(variable) is missing") == true)
    }
    #expect(host.scripts == [2])
    #expect(try host.records().isEmpty)
  }

  @Test func `the disconnect hook still becomes the server's own script`() throws {
    let host = try HookHost()
    let ran = host.disconnect(
      host.client("alice"), changes: ["time_unix": "soon"], ["--then", "script"])
    #expect(ran.status == 0)
    #expect(host.successors == [2])
  }

  @Test func `what makes no sense and is not needed is left out and told`() throws {
    let host = try HookHost()
    try host.publish()
    let client = host.client("alice", changes: ["ifconfig_pool_remote_ip": "../../x\n"])
    let ran = host.connect(client)
    #expect(ran.isIn)
    #expect(ran.errors.count == 1)
    #expect(ran.errors.first?.contains("\n") == false)
    let ended = host.disconnect(client, changes: ["bytes_sent": "many"])
    #expect(ended.errors.count == 2)
    #expect(try host.records().map(\.ipv4) == [[], []])
    #expect(try host.records().last?.sent == nil)
    #expect(try host.records().last?.received == 0)
  }

  @Test func `a hook in the other's place does the other's work, and says so`() throws {
    let host = try HookHost()
    host.users["alice"] = AccessUser(isEnabled: false)
    try host.publish()
    let ran = host.run("quota-disconnect", [], host.client("alice"))
    #expect(ran.status == 1)
    #expect(ran.errors.first?.contains("client-connect script") == true)
    var client = host.client("alice")
    client["script_type"] = "client-disconnect"
    let ended = host.run("quota-connect", [], client)
    #expect(ended.status == 0)
    #expect(ended.errors.first?.contains("client-disconnect script") == true)
    #expect(try host.records().map(\.kind) == [.out, .end])
  }
}
