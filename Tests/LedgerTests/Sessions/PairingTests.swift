import Quota
import Testing

@testable import Ledger

private func at(_ port: UInt16, _ virtual: String = "") -> Endpoints {
  Endpoints(
    real: RealAddress(host: NetworkAddress(text: Array("192.0.2.1".utf8)), port: port),
    virtual: NetworkAddress(text: Array(virtual.utf8)))
}

private func at(host: String, _ port: UInt16 = 0, _ virtual: String = "") -> Endpoints {
  Endpoints(
    real: RealAddress(host: NetworkAddress(text: Array(host.utf8)), port: port),
    virtual: NetworkAddress(text: Array(virtual.utf8)))
}

private func come(
  _ position: Int64, _ endpoints: Endpoints, refused: Bool = false, ended: Bool = false,
  listed: Endpoints? = nil, since: Int64 = 50
) -> PairingCandidate {
  PairingCandidate(
    id: position, position: position, since: since, isRefusal: refused, hasEnd: ended,
    atConnect: endpoints, listed: listed)
}

private func known(_ id: Int64, _ endpoints: Endpoints) -> PairingCandidate {
  PairingCandidate(
    id: id, position: nil, since: 50, isRefusal: false, hasEnd: false, atConnect: nil,
    listed: endpoints)
}

@Suite struct `An end` {
  private func owner(
    _ end: Endpoints, _ candidates: [PairingCandidate], position: Int64 = 100
  ) -> Int64? {
    candidate(forEndAt: position, end, among: candidates).map { candidates[$0].id }
      ?? onlyCandidate(forEndAt: position, among: candidates)
  }

  @Test func `belongs to the last session from there that has no end`() {
    let lives = [
      come(1, at(7, "10.8.0.2"), ended: true), come(2, at(7, "10.8.0.2")),
      come(3, at(8, "10.8.0.3")),
    ]
    #expect(owner(at(7, "10.8.0.2"), lives) == 2)
    #expect(owner(at(7, "10.8.0.2"), [come(1, at(7, "10.8.0.2")), lives[1]]) == 2)
  }

  @Test func `is not that of a session which came later`() {
    #expect(owner(at(7, "10.8.0.2"), [come(200, at(7, "10.8.0.2"))]) == nil)
    #expect(owner(at(7), [come(1, at(7)), come(200, at(7))]) == 1)
  }

  @Test func `goes by the virtual address where two have one port on two sockets`() {
    let both = [come(1, at(7, "10.8.0.2")), come(2, at(7, "10.8.0.3"))]
    #expect(owner(at(7, "10.8.0.2"), both) == 1)
    #expect(owner(at(7, "10.8.0.3"), both) == 2)
  }

  @Test func `goes by the port where a script gave another address`() {
    let both = [come(1, at(7, "10.8.0.2")), come(2, at(8, "10.8.0.2"))]
    #expect(owner(at(7, "10.8.0.77"), both) == 1)
  }

  @Test func `goes by the virtual address where the client floated and began anew`() {
    let both = [come(1, at(7, "10.8.0.2")), come(2, at(8, "10.8.0.3"))]
    #expect(owner(at(9, "10.8.0.2"), both) == 1)
  }

  @Test func `goes by where a listing saw the client last`() {
    let floated = [
      come(1, at(7), listed: at(9)), come(2, at(8)), come(3, at(6, "10.8.0.3")),
      come(4, at(5, "10.8.0.4"), listed: at(15, "10.8.0.77")),
    ]
    #expect(owner(at(9), floated) == 1)
    #expect(owner(at(15, "10.8.0.4"), floated) == 4)
    #expect(owner(at(16, "10.8.0.77"), floated) == 4)
  }

  @Test func `is that of the only open session of the second if nothing else tells`() {
    let one = [come(1, at(7), ended: true), come(2, at(8)), come(3, at(6), refused: true)]
    #expect(owner(at(9), one) == 2)
    #expect(owner(at(9), one + [come(4, at(5))]) == nil)
  }

  @Test func `of a refused client is that of its refusal`() {
    let tries = [come(1, at(7)), come(2, at(8), refused: true)]
    #expect(owner(at(8), tries) == 2)
    #expect(owner(at(7), tries) == 1)
  }

  @Test func `is that of a session from a listing before it is guessed at`() {
    let both = [come(1, at(7, "10.8.0.2")), known(2, at(8, "10.8.0.3"))]
    #expect(owner(at(8, "10.8.0.3"), both) == 2)
    #expect(owner(at(9, "10.8.0.3"), both) == 2)
    #expect(owner(at(9, "10.8.0.9"), both) == 1)
    #expect(owner(at(9, "10.8.0.9"), [both[1]]) == 2)
  }

  @Test func `without addresses proves nothing by having none`() {
    let nowhere = Endpoints(real: .none, virtual: .none)
    #expect(owner(nowhere, [come(1, nowhere), come(2, nowhere)]) == nil)
  }
}

@Suite struct `A row of a listing` {
  private func row(
    _ endpoints: Endpoints, _ bytes: Int64 = 1000, session: Bool = true, since: Int64? = 50
  ) -> ListedClient {
    ListedClient(
      since: since, endpoints: endpoints, counters: Traffic(received: bytes), isSession: session)
  }

  /// The session of each row by its number, and what it counts for.
  private func match(
    _ rows: [ListedClient], _ sessions: [PairingCandidate]
  ) -> [(id: Int64?, bytes: Int64)] {
    var match = ListingMatch(rows)
    var found = [Int64?](repeating: nil, count: rows.count)
    var rest: [PairingCandidate] = []
    for session in sessions.reversed() {
      if let row = match.claim(session) { found[row] = session.id } else { rest.append(session) }
    }
    for (session, row) in zip(rest, match.claim(rest: rest)) {
      if let row { found[row] = session.id }
    }
    return rows.indices.map { (found[$0], match.rows[$0].counters.received) }
  }

  private func ids(_ rows: [ListedClient], _ sessions: [PairingCandidate]) -> [Int64?] {
    match(rows, sessions).map(\.id)
  }

  @Test func `is the last session from its addresses`() {
    let lives = [
      come(1, at(7, "10.8.0.2")), come(2, at(7, "10.8.0.2")), come(3, at(8, "10.8.0.3")),
    ]
    #expect(ids([row(at(8, "10.8.0.3")), row(at(7, "10.8.0.2"))], lives) == [3, 2])
    #expect(ids([row(at(7, "10.8.0.2"), since: 51)], lives) == [nil])
  }

  @Test func `finds its session by the port, by the address, and by what was listed before`() {
    let sessions = [
      come(1, at(7, "10.8.0.2")), come(2, at(8, "10.8.0.3")),
      come(3, at(9, "10.8.0.4"), listed: at(19, "10.8.0.77")),
    ]
    let rows = [
      row(at(7, "10.8.0.50")), row(at(18, "10.8.0.3")), row(at(29, "10.8.0.77")),
    ]
    #expect(ids(rows, sessions) == [1, 2, 3])
  }

  @Test func `is nobody else's while a better one is there`() {
    let sessions = [come(1, at(7, "10.8.0.2")), come(2, at(8, "10.8.0.2"))]
    #expect(ids([row(at(8, "10.8.0.77")), row(at(9, "10.8.0.2"))], sessions) == [2, 1])
  }

  @Test func `of an IPv6 client has no port up to 2_6`() {
    let sessions = [
      come(1, at(host: "fd77::1", 7, "10.8.0.2")), come(2, at(host: "fd77::1", 8, "10.8.0.3")),
      come(3, at(host: "fd77::2", 9, "10.8.0.4")),
    ]
    let rows = [
      row(at(host: "fd77::1", 0, "10.8.0.3")), row(at(host: "fd77::1", 0, "10.8.0.2")),
      row(at(host: "fd77::2", 0, "10.8.0.77")),
    ]
    #expect(ids(rows, sessions) == [2, 1, 3])
  }

  @Test func `that cannot be told from another counts for the lesser of them`() {
    let sessions = [come(1, at(host: "fd77::1", 7)), come(2, at(host: "fd77::1", 8))]
    let rows = [row(at(host: "fd77::1"), 500), row(at(host: "fd77::1"), 300)]
    #expect(match(rows, sessions).map(\.bytes) == [300, 300])
    let twoSockets = [come(1, at(7, "10.8.0.2")), come(2, at(7, "10.8.0.3"))]
    let pushed = [row(at(7, "10.8.0.50"), 500), row(at(7, "10.8.0.51"), 300)]
    let found = match(pushed, twoSockets)
    #expect(Set(found.map(\.id)) == [1, 2] && found.map(\.bytes) == [300, 300])
  }

  @Test func `is the only session of its second if nothing else tells`() {
    let sessions = [come(1, at(7, "10.8.0.2")), come(2, at(8, "10.8.0.3"))]
    #expect(ids([row(at(8, "10.8.0.3")), row(at(9, "10.8.0.77"))], sessions) == [2, 1])
    #expect(ids([row(at(9, "10.8.0.77"))], sessions) == [nil])
    #expect(ids([row(at(9), session: false)], [sessions[0]]) == [nil])
  }

  @Test func `of a session whose address was taken away is found by its port`() {
    #expect(ids([row(at(7), session: false)], [come(1, at(7, "10.8.0.2"))]) == [1])
  }

  @Test func `of format 1 is found by its port alone, the last from there`() {
    let sessions = [
      come(1, at(7, "10.8.0.2"), since: 40), come(2, at(7, "10.8.0.2")), come(3, at(8)),
      come(4, at(host: "fd77::1", 9)),
    ]
    let rows = [
      row(at(8), session: false, since: nil), row(at(7), session: false, since: nil),
      row(at(host: "fd77::1"), session: false, since: nil),
    ]
    #expect(ids(rows, sessions) == [3, 2, nil])
  }

  @Test func `is found among very many`() {
    let sessions = (0..<5000).map { come(Int64($0), at(UInt16($0 + 1), "10.8.0.2")) }
    let rows = (0..<5000).map { row(at(UInt16(5000 - $0), "10.8.0.2"), Int64($0)) }
    #expect(ids(rows, sessions) == (0..<5000).map { Int64(4999 - $0) })
  }
}
