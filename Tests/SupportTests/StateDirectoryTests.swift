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
    let file = try directory.open("new", O_RDWR | O_CREAT | O_EXCL, mode: 0o640)
    #expect(try FileStatus(of: file, called: "new").mode == 0o640)
  }

  @Test func `opens no link, no pipe, no directory, and waits for nothing`() throws {
    let directory = try StateDirectory(of: "\(folder.path)/quota.db")
    let secret = try folder.write("secret", to: "secret")
    #expect(unsafe symlink(secret, "\(folder.path)/link") == 0)
    #expect(
      unsafe mkfifo("\(folder.path)/pipe", 0o666) == 0 && mkdir("\(folder.path)/folder", 0o777) == 0
    )
    for (name, code) in [("link", ELOOP), ("pipe", EPERM), ("folder", EISDIR), ("none", ENOENT)] {
      let error = #expect(throws: SystemError.self) { _ = try directory.open(name, O_RDONLY) }
      #expect(error?.code == code, "\(name)")
    }
  }

  @Test(.enabled(if: getuid() == 0, "only root can give a file away"))
  func `opens nothing that another user has put there`() throws {
    let directory = try StateDirectory(of: "\(folder.path)/quota.db")
    let planted = try folder.write("", to: "quota.db-journal")
    try directory.check("quota.db-journal")
    #expect(unsafe chown(planted, 65534, 65534) == 0)
    #expect(throws: SystemError("trust", "\(directory.path)/quota.db-journal", code: EPERM)) {
      try directory.check("quota.db-journal")
    }
    #expect(throws: SystemError.self) { _ = try directory.open("quota.db-journal", O_RDONLY) }
    try directory.check("quota.db-wal")
  }
}
