import Glibc
import System
import TestSupport
import Testing

@testable import Admin

/// What the kernel says that another user may do.
@Suite(.enabled(if: getuid() == 0, "only root can become another user"))
struct `The user nobody` {
  let folder: TemporaryDirectory
  let nobody = ProcessIdentity(name: "nobody", user: 65_534, groups: [65_534])

  init() throws {
    folder = try TemporaryDirectory()
    #expect(unsafe chmod(folder.path, 0o755) == 0)
  }

  @Test func `is kept out by the topmost directory that is closed, or by the file itself`() throws {
    let file = try folder.write("", to: "a/b/file", mode: 0o640)
    #expect(try nobody.obstacle(to: file, R_OK) == file)
    #expect(unsafe chmod(file, 0o644) == 0)
    #expect(try nobody.obstacle(to: file, R_OK) == nil)
    #expect(try nobody.obstacle(to: file, R_OK | W_OK) == file)
    #expect(unsafe chmod("\(folder.path)/a", 0o700) == 0)
    #expect(try nobody.obstacle(to: file, R_OK) == "\(folder.path)/a")
    #expect(try ProcessIdentity.root.obstacle(to: file, R_OK | W_OK) == nil)
    #expect(geteuid() == 0)
  }

  @Test func `is let in by a group, and by an access list`() throws {
    let file = try folder.write("", to: "file", mode: 0o640)
    #expect(unsafe chown(file, 0, 4_711) == 0)
    let member = ProcessIdentity(name: "member", user: 65_534, groups: [65_534, 4_711])
    #expect(try nobody.obstacle(to: file, R_OK) == file)
    #expect(try member.obstacle(to: file, R_OK) == nil)
    try Program.run("setfacl", ["-m", "u:65534:r", file]).requireSuccess()
    #expect(try nobody.obstacle(to: file, R_OK) == nil)
    #expect(try nobody.obstacle(to: file, W_OK) == file)
  }

  @Test func `hears of what is not there`() throws {
    let file = "\(folder.path)/none"
    #expect(throws: SystemError("look at", file, code: ENOENT)) {
      try nobody.obstacle(to: file, R_OK)
    }
  }
}
