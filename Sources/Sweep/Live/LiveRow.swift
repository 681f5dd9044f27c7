import Ledger
import Quota

/// One session in a view of who is on.
package struct LiveRow: Sendable {
  /// Whose it is; the name the server shows where nobody can tell yet.
  package let owner: UserName
  package let session: OpenSession
  /// What the ledger has not counted yet.
  package let uncounted: Traffic
  /// When the counters were so, in seconds since 1970 in UTC; nil where no sweep saw them.
  package let at: Int64?
  /// Whether the server itself said so.
  package let isLive: Bool
  /// Bytes a second since the last sweep, or since an earlier view; nil where there is nothing to
  /// compute it from.
  package private(set) var rate: Traffic?

  /// A session that its server has listed.
  ///
  /// - Parameter previous: when the server last gave a whole listing before this one.
  init(_ row: Int, _ known: Ownership, of report: ServerReport, previous: Int64?) {
    let client = report.clients[row]
    owner = known.owner ?? report.names(at: row).commonName
    session = OpenSession(
      server: report.server, address: known.address,
      realAddress: client.endpoints.real.isNone ? nil : client.endpoints.real.description,
      connectedSince: known.connectedSince, counters: client.counters)
    uncounted = client.counters.increase(over: known.counted ?? Traffic())
    at = report.at
    isLive = true
    let from = known.counted?.isZero == false ? previous : known.connectedSince
    rate = from.flatMap { uncounted.perSecond(of: .seconds(report.at - $0)) }
  }

  /// A session as the ledger has it.
  ///
  /// - Parameter time: when a sweep saw it last; nil where none did.
  init(_ session: OpenSession, of owner: UserName, at time: Int64?) {
    self.owner = owner
    self.session = session
    uncounted = Traffic()
    at = time
    isLive = false
  }

  /// Whether two rows are of one session.
  func isSame(as other: LiveRow) -> Bool {
    session.server == other.session.server && session.address == other.session.address
      && session.connectedSince == other.session.connectedSince
  }

  func isBefore(_ other: LiveRow) -> Bool {
    if owner != other.owner { return owner.bytes.lexicographicallyPrecedes(other.owner.bytes) }
    let (own, others) = (session, other.session)
    return (own.connectedSince, own.server ?? "", own.address)
      < (others.connectedSince, others.server ?? "", others.address)
  }

  /// The row with the rate since an earlier one of the same session.
  func since(_ earlier: LiveRow, _ time: Duration) -> LiveRow {
    guard isLive, earlier.isLive else { return self }
    var row = self
    row.rate = session.counters.increase(over: earlier.session.counters).perSecond(of: time)
    return row
  }
}

extension Traffic {
  /// Bytes a second over some time; nil for less than a second.
  fileprivate func perSecond(of time: Duration) -> Traffic? {
    let milliseconds =
      time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000
    guard milliseconds >= 1000 else { return nil }
    func rate(_ bytes: Int64) -> Int64 {
      Int64(Double(bytes) * 1000 / Double(milliseconds))
    }
    return Traffic(received: rate(received), sent: rate(sent))
  }
}

extension LiveView {
  /// The view with the rates since an earlier one.
  ///
  /// - Parameter time: how long before this one that was taken.
  package func since(_ earlier: LiveView, _ time: Duration) -> LiveView {
    var view = self
    let before = Dictionary(grouping: earlier.sessions) { $0.session.address }
    view.replaceSessions { row in
      before[row.session.address]?.first { $0.isSame(as: row) }.map { row.since($0, time) } ?? row
    }
    return view
  }
}
