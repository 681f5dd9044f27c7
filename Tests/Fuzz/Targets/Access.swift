import Glibc
import System

@testable import Gate

extension FuzzTarget {
  /// The access table: what its header's page holds, then 512 bytes for each further page. All pages
  /// get the checksums that they should have, which no fuzzer would guess.
  static let access = FuzzTarget("access") { bytes throws(Broken) in
    let table = Table(bytes)
    try table.check()
  }

  private struct Table {
    static let headerSize = 136
    static let pieceSize = 512
    let pages: [[UInt8]]

    init(_ bytes: [UInt8]) {
      var contents = [Array(bytes.prefix(Self.headerSize))]
      var rest = bytes.dropFirst(Self.headerSize)
      while !rest.isEmpty {
        contents.append(Array(rest.prefix(Self.pieceSize)))
        rest = rest.dropFirst(Self.pieceSize)
      }
      pages = contents.enumerated().map { number, content in
        var page = [UInt8](repeating: 0, count: AccessLayout.pageHead) + content
        page += [UInt8](repeating: 0, count: AccessLayout.pageSize - page.count)
        AccessLayout.seal(&page, number: number, version: 1)
        return page
      }
    }

    func check() throws(Broken) {
      let first = pages[0]
      let (isWhole, isWholeElsewhere) = (
        AccessLayout.isWhole(first.span, number: 0), AccessLayout.isWhole(first.span, number: 1)
      )
      try require(isWhole, "a sealed page is whole")
      try require(!isWholeElsewhere, "and only in its place")
      if let (header, layout) = AccessHeader.decoded(first.span) {
        var page = [UInt8](repeating: 0, count: AccessLayout.pageHead) + header.encoded(layout)
        page += [UInt8](repeating: 0, count: AccessLayout.pageSize - page.count)
        AccessLayout.seal(&page, number: 0, version: header.version)
        let again = AccessHeader.decoded(page.span)
        try require(again?.header == header && again?.layout == layout, "the header is read again")
      }
      for page in pages.dropFirst() { try checkEntries(page) }
      try lookUp()
    }

    /// What an entry is read as is written and read as the same.
    private func checkEntries(_ page: [UInt8]) throws(Broken) {
      let content = page.span.extracting(AccessLayout.pageHead...)
      let user = AccessUser(content.extracting(..<AccessUser.size))
      var bytes: [UInt8] = []
      user.append(hash: 1, to: &bytes)
      let sameUser = AccessUser(bytes.span)
      try same(sameUser, user, "a user")
      let session = AccessSession(content.extracting(..<AccessSession.size))
      bytes = []
      session.append(to: &bytes)
      let sameSession = AccessSession(bytes.span)
      try same(sameSession, session, "a session")
      let process = AccessProcess(content.extracting(..<AccessProcess.size))
      bytes = []
      process.append(to: &bytes)
      let sameProcess = AccessProcess(bytes.span)
      try same(sameProcess, process, "a process")
      let rates = AccessRates(content.extracting(..<AccessRates.size))
      bytes = []
      rates.append(to: &bytes)
      let sameRates = AccessRates(bytes.span)
      try same(sameRates, rates, "rates")
    }

    /// Whatever a table says, looking things up in it comes to an end, with an answer or an error.
    private func lookUp() throws(Broken) {
      let folder = "/tmp/fuzz-access-\(processID)"
      defer {
        unsafe unlink(folder + "/access")
        unsafe rmdir(folder)
      }
      do {
        _ = unsafe mkdir(folder, 0o700)
        let directory = try Directory(folder)
        try directory.remove("access")
        let file = try directory.create("access", mode: 0o600)
        for page in pages { try file.write(page.span, to: "access") }
        var table = try AccessTable(in: directory)
        _ = try table.user(named: [65])
        _ = try table.sessions(ofOwner: [65])
        _ = try table.sessions(server: 1, pid: 2, connectedSince: 3)
        _ = try table.boundaries(of: 0)
        _ = try table.rates(of: 0)
      } catch is AccessError {
        // It said so.
      } catch {
        throw Broken("\(error)")
      }
    }
  }
}
