/// Which account each sighting belongs to.
///
/// By identity as a rule. The address may have changed since the door (a later script pushes
/// another one), so an account or admission whose own address is in no row is matched by server
/// process, connected-since and common name, if exactly one fits.
///
/// Accounts are handed in one by one; only those that are in no row are kept.
struct Matching {
  /// A sighting that no open account belongs to, and the place of the admission that tells who was
  /// let in at the door, where there is one.
  struct Stranger: Equatable {
    let sighting: Int32
    let admission: Int32?
  }

  private let report: ServerReport
  private var sightings: [Place: Int32] = [:]
  private var lost: [OpenAccount] = []

  /// What identifies a session within one server process.
  private struct Place: Hashable {
    let connectedSince: Int64
    let address: String
  }

  /// What may still match when the address does not.
  private struct Face: Hashable {
    let connectedSince: Int64
    let commonName: UserName
  }

  init(_ report: ServerReport) {
    self.report = report
    sightings.reserveCapacity(report.sightings.count)
    for (index, sighting) in report.sightings.enumerated() {
      let place = Place(connectedSince: sighting.connectedSince, address: sighting.address)
      sightings[place] = Int32(truncatingIfNeeded: index)
    }
  }

  /// Finds the sighting of an account by its identity.
  ///
  /// - Returns: its place in the report; nil for an account that is in no row, which is kept.
  mutating func sighting(of account: OpenAccount) -> Int? {
    if report.isOfSameProcess(account.identity), let found = take(account.identity) { return found }
    lost.append(account)
    return nil
  }

  /// Sorts out the rest, once all accounts were handed in.
  ///
  /// - Returns: the accounts whose address changed, each with its sighting; the accounts that
  ///   nobody was sighted for; and the sightings without an account.
  consuming func finish(
    _ admissions: [Admission]
  ) -> (moved: [(OpenAccount, Int)], unseen: [OpenAccount], strangers: [Stranger]) {
    var strangers: [Stranger] = []
    var elsewhere: [Face: [Int32]] = [:]
    for (index, admission) in zip(Int32(0)..., admissions)
    where report.isOfSameProcess(admission.identity) {
      if let sighting = take(admission.identity) {
        strangers.append(Stranger(sighting: Int32(truncatingIfNeeded: sighting), admission: index))
      } else {
        elsewhere[face(admission), default: []].append(index)
      }
    }
    var moved: [(OpenAccount, Int)] = []
    matchByFace(&moved, &strangers, elsewhere)
    strangers += sightings.values.map { Stranger(sighting: $0, admission: nil) }
    return (moved, lost, strangers)
  }

  /// Matches what is left by connected-since and common name, where exactly one fits.
  private mutating func matchByFace(
    _ moved: inout [(OpenAccount, Int)], _ strangers: inout [Stranger], _ admitted: [Face: [Int32]]
  ) {
    let accounts = Dictionary(
      grouping: lost.indices.filter { report.isOfSameProcess(lost[$0].identity) },
      by: { face(lost[$0]) })
    if accounts.isEmpty, admitted.isEmpty { return }
    var found: Set<Int> = []
    for (face, candidates) in Dictionary(grouping: sightings, by: { self.face(Int($0.value)) })
    where candidates.count == 1 {
      if let account = accounts[face]?.first, accounts[face]?.count == 1 {
        moved.append((lost[account], Int(candidates[0].value)))
        found.insert(account)
      } else if let admission = admitted[face]?.first, admitted[face]?.count == 1 {
        strangers.append(Stranger(sighting: candidates[0].value, admission: admission))
      } else {
        continue
      }
      sightings[candidates[0].key] = nil
    }
    lost = lost.indices.filter { !found.contains($0) }.map { lost[$0] }
  }

  private mutating func take(_ identity: SessionIdentity) -> Int? {
    let place = Place(connectedSince: identity.connectedSince, address: identity.address)
    return sightings.removeValue(forKey: place).map { Int($0) }
  }

  private func face(_ sighting: Int) -> Face {
    let seen = report.sightings[sighting]
    return Face(connectedSince: seen.connectedSince, commonName: seen.commonName)
  }

  private func face(_ account: OpenAccount) -> Face {
    Face(connectedSince: account.identity.connectedSince, commonName: account.commonName)
  }

  private func face(_ admission: Admission) -> Face {
    Face(connectedSince: admission.identity.connectedSince, commonName: admission.commonName)
  }
}

extension ServerReport {
  /// Whether a session is one of the very process that this report is from.
  func isOfSameProcess(_ session: SessionIdentity) -> Bool {
    session.boot == boot && session.pid == pid
  }
}
