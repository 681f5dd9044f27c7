/// Which account each sighting belongs to.
///
/// By identity as a rule. The address may have changed since the door (a later script pushes
/// another one), so an account or admission whose own address is in no row is matched by server
/// process, connected-since and common name, if exactly one fits.
struct Matching {
  /// What became of one sighting.
  enum Match: Equatable {
    /// Its account is open, at this place among the open ones; its address may be an older one.
    case account(Int)
    /// No open account; who was let in at the door, at this place among the admissions, if known.
    case stranger(admission: Int?)
  }

  /// One for each sighting, in their order.
  private(set) var matches: [Match]
  /// The places of the open accounts that no sighting belongs to.
  private(set) var unseen: [Int] = []

  private let report: ServerReport
  private let accounts: [OpenAccount]
  private let admissions: [Admission]
  private var accountsLeft: [Place: Int] = [:]
  private var admissionsLeft: [Place: Int] = [:]

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

  init(_ report: ServerReport, accounts: [OpenAccount], admissions: [Admission]) {
    self.report = report
    self.accounts = accounts
    self.admissions = admissions
    matches = []
    matches.reserveCapacity(report.sightings.count)
    accountsLeft.reserveCapacity(accounts.count)
    for (index, account) in accounts.enumerated() {
      let place = Place(connectedSince: account.connectedSince, address: account.address)
      accountsLeft[place] = index
    }
    for (index, admission) in admissions.enumerated() {
      let identity = admission.identity
      guard identity.boot == report.boot, identity.pid == report.pid else { continue }
      let place = Place(connectedSince: identity.connectedSince, address: identity.address)
      admissionsLeft[place] = index
    }
    let rest = matchByPlace()
    if !rest.isEmpty { matchByFace(rest) }
    unseen = Array(accountsLeft.values)
    accountsLeft = [:]
    admissionsLeft = [:]
  }

  /// Matches by identity and gives the sightings that are still nobody's.
  private mutating func matchByPlace() -> [Int] {
    var rest: [Int] = []
    for (index, sighting) in report.sightings.enumerated() {
      let place = Place(connectedSince: sighting.connectedSince, address: sighting.address)
      let admission = admissionsLeft.isEmpty ? nil : admissionsLeft.removeValue(forKey: place)
      if let account = accountsLeft.removeValue(forKey: place) {
        matches.append(.account(account))
      } else {
        matches.append(.stranger(admission: admission))
        if admission == nil { rest.append(index) }
      }
    }
    return rest
  }

  private mutating func matchByFace(_ rest: [Int]) {
    if accountsLeft.isEmpty, admissionsLeft.isEmpty { return }
    let sightings = Dictionary(grouping: rest) { index in
      let sighting = report.sightings[index]
      return Face(connectedSince: sighting.connectedSince, commonName: sighting.commonName)
    }
    let lost = Dictionary(grouping: accountsLeft.values) { index in
      Face(
        connectedSince: accounts[index].connectedSince, commonName: accounts[index].commonName)
    }
    let admitted = Dictionary(grouping: admissionsLeft.values) { index in
      Face(
        connectedSince: admissions[index].identity.connectedSince,
        commonName: admissions[index].commonName)
    }
    for (face, candidates) in sightings where candidates.count == 1 {
      if let index = lost[face]?.first, lost[face]?.count == 1 {
        matches[candidates[0]] = .account(index)
        let account = accounts[index]
        accountsLeft[
          Place(connectedSince: account.connectedSince, address: account.address)] = nil
      } else if let index = admitted[face]?.first, admitted[face]?.count == 1 {
        matches[candidates[0]] = .stranger(admission: index)
      }
    }
  }
}
