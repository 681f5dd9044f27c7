import Glibc
import System
import Testing
import TestSupport

@testable import Support

@Suite struct SweepLockTests {
  /// Whether the lock can be had now; it is let go of again.
  func isFree(_ database: String) throws -> Bool {
    let lock = try SweepLock.attempt(beside: database)
    return switch consume lock {
    case .some: true
    case nil: false
    }
  }

  /// Does something with the lock held.
  func holding<Result>(_ database: String, _ body: () throws -> Result) throws -> Result? {
    guard let lock = try SweepLock.attempt(beside: database) else { return nil }
    defer { withExtendedLifetime(lock) {} }
    return try body()
  }

  @Test func `One program has the lock, and the next when it lets go`() throws {
    let folder = try TemporaryDirectory()
    let database = "\(folder.path)/quota.db"
    #expect(try holding(database) { try isFree(database) } == false)
    #expect(try isFree(database))
    #expect(try holding(database) { try isFree("\(folder.path)/other.db") } == false)
  }

  @Test func `Locks of two directories have nothing to do with each other`() throws {
    let (one, two) = (try TemporaryDirectory(), try TemporaryDirectory())
    #expect(try holding("\(one.path)/q.db") { try isFree("\(two.path)/q.db") } == true)
  }

  @Test func `The lock leaves no file behind`() throws {
    let folder = try TemporaryDirectory()
    _ = try holding("\(folder.path)/quota.db") {}
    #expect(unsafe rmdir(folder.path) == 0)
  }

  @Test func `Without a directory there is no lock but an error that names it`() throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write("", to: "file")
    #expect(throws: SystemError("open", "\(folder.path)/none", code: ENOENT)) {
      try isFree("\(folder.path)/none/quota.db")
    }
    #expect(throws: SystemError("open", file, code: ENOTDIR)) { try isFree("\(file)/quota.db") }
  }

  @Test func `Whoever finds it taken ends with 75`() {
    #expect(SweepLockTaken().exitStatus == .locked)
    #expect(SweepLockTaken().message == "another sweep is under way")
  }

  static let directories: [(String, String)] = [
    ("/a/b/quota.db", "/a/b"), ("/quota.db", "/"), ("quota.db", "."), ("a/quota.db", "a"),
    ("", "."),
  ]

  @Test(arguments: directories) func `The directory is that of the path's last component`(
    path: String, directory: String
  ) {
    #expect(System.directory(of: path) == directory)
  }
}
