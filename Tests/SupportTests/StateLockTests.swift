import Foundation
import Glibc
import System
import Testing
import TestSupport

@testable import Support

@Suite struct StateLockTests {
  /// Whether the lock can be had now; it is let go of again.
  func isFree(_ database: String, _ purpose: StateLock.Purpose = .sweep) throws -> Bool {
    let lock = try StateLock.attempt(purpose, beside: database)
    return switch consume lock {
    case .some: true
    case nil: false
    }
  }

  /// Does something with the lock held.
  func holding<Result>(_ database: String, _ body: () throws -> Result) throws -> Result? {
    guard let lock = try StateLock.attempt(.sweep, beside: database) else { return nil }
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

  @Test func `The right to sweep and the right to publish have nothing to do with each other`()
    throws
  {
    let folder = try TemporaryDirectory()
    let database = "\(folder.path)/quota.db"
    #expect(try holding(database) { try isFree(database, .publication) } == true)
    let lock = try StateLock.attempt(.publication, beside: database)
    #expect(try isFree(database) && !isFree(database, .publication))
    _ = consume lock
    #expect(try isFree(database, .publication))
  }

  @Test func `Only the owner may open what is locked, and the directory itself is not locked`()
    throws
  {
    let folder = try TemporaryDirectory()
    let database = "\(folder.path)/quota.db"
    let isDirectoryFree = try holding(database) {
      try Program.run("flock", ["-n", folder.path, "true"]).status == 0
    }
    #expect(isDirectoryFree == true)
    #expect(try FileStatus(of: "\(folder.path)/lock").mode == 0o600)
  }

  @Test func `Nothing else than a file of the directory's owner is the lock`() throws {
    let folder = try TemporaryDirectory()
    let (database, lock) = ("\(folder.path)/quota.db", "\(folder.path)/lock")
    let other = try folder.write("mine", to: "other")
    #expect(unsafe symlink(other, lock) == 0)
    #expect(throws: SystemError("open", lock, code: ELOOP)) { try isFree(database) }
    #expect(unsafe unlink(lock) == 0 && mkfifo(lock, 0o600) == 0)
    #expect(throws: SystemError("open", lock, code: ENXIO)) { try isFree(database) }
    #expect(unsafe unlink(lock) == 0 && mkdir(lock, 0o700) == 0)
    #expect(throws: SystemError.self) { try isFree(database) }
    #expect(try String(contentsOfFile: other, encoding: .utf8) == "mine")
  }

  @Test func `Without a directory there is no lock but an error that names it`() throws {
    let folder = try TemporaryDirectory()
    let file = try folder.write("", to: "file")
    #expect(throws: SystemError("open", "\(folder.path)/none", code: ENOENT)) {
      try isFree("\(folder.path)/none/quota.db")
    }
    #expect(throws: SystemError("open", file, code: ENOTDIR)) { try isFree("\(file)/quota.db") }
  }

  @Test func `A program that finds it taken ends with 75`() {
    #expect(SweepUnderWay().exitStatus == .locked)
    #expect(SweepUnderWay().message == "another sweep is under way")
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
