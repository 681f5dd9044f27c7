import Glibc
import System
import TestSupport
import Testing

@Suite struct `The state directory` {
  let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  @Test func `may be reached through a link, and has its own path then`() throws {
    let real = try canonicalPath(of: folder.path)
    #expect(unsafe mkdir("\(folder.path)/large", 0o750) == 0)
    #expect(unsafe symlink("large", "\(folder.path)/state") == 0)
    let directory = try StateDirectory(of: "\(folder.path)/state/quota.db")
    #expect(directory.path == "\(real)/large")
    #expect(directory.directory.owner == geteuid())
  }

  @Test(.enabled(if: getuid() == 0, "only root can give a file away"))
  func `takes no file that another user has put there`() throws {
    let directory = try StateDirectory(of: "\(folder.path)/quota.db")
    let planted = try folder.write("", to: "quota.db-journal")
    try directory.check("quota.db-journal")
    #expect(unsafe chown(planted, 65534, 65534) == 0)
    #expect(throws: SystemError("trust", "\(directory.path)/quota.db-journal", code: EPERM)) {
      try directory.check("quota.db-journal")
    }
    try directory.check("quota.db-wal")
  }

  @Test(arguments: [0o770, 0o2770, 0o757, 0o1777])
  func `is not entered where other users may write to it`(mode: Int) throws {
    #expect(unsafe chmod(folder.path, mode_t(mode)) == 0)
    #expect(throws: SystemError("trust", folder.path, code: EPERM)) {
      _ = try StateDirectory(of: "\(folder.path)/quota.db")
    }
  }
}
