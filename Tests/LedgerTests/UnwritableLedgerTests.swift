import Glibc
import Quota
import TestSupport
import Testing

@testable import Ledger

@Suite struct `A ledger that cannot be written` {
  @Test func `is read though its directory is reached through a link`() throws {
    let folder = try TemporaryDirectory()
    #expect(unsafe mkdir("\(folder.path)/large", 0o750) == 0)
    #expect(unsafe symlink("large", "\(folder.path)/state") == 0)
    let path = "\(folder.path)/state/quota.db"
    _ = try Ledger.open(path, for: .writing, rules: Rules(), zone: .utc)
    let ledger = try Ledger.openUnwritable(path, rules: Rules(), zone: .utc)
    #expect(try ledger.users.names().isEmpty)
  }
}
