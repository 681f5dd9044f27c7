/// Which account each sighting belongs to.
///
/// By identity as a rule. The address may have changed since the door (a later script pushes
/// another one), so an account or admission whose own address is in no row is matched by server
/// process, connected-since and common name, if exactly one fits.
struct Matching {
  /// What became of one sighting.
  enum Match: Equatable {
    /// Its account is open; the account's address may be an older one.
    case account(Account)
    /// No open account: who was let in at the door, where that is known.
    case unknown(Admission?)
  }

  /// One for each sighting, in their order.
  private(set) var matches: [Match]
  /// The open accounts that no sighting belongs to.
  private(set) var unseen: [Account] = []
  /// The admissions whose sessions were sighted.
  private(set) var spent: [Admission] = []

  private let report: ServerReport
  private var accounts: [Place: Account] = [:]
  private var admissions: [Place: Admission] = [:]

  /// What identifies a session within one server process.
  fileprivate struct Place: Hashable {
    let connectedSince: Int64
    let address: String
  }

  /// What may still match when the address does not.
  private struct Face: Hashable {
    let connectedSince: Int64
    let commonName: UserName
  }

  init(_ report: ServerReport, accounts: [Account], admissions: [Admission]) {
    self.report = report
    matches = Array(repeating: .unknown(nil), count: report.sightings.count)
    for account in accounts { self.accounts[Place(account.identity)] = account }
    for admission in admissions
    where admission.identity.boot == report.boot && admission.identity.pid == report.pid {
      self.admissions[Place(admission.identity)] = admission
    }
    let rest = matchByPlace()
    if !rest.isEmpty { matchByFace(rest) }
    unseen = Array(self.accounts.values)
  }

  /// Matches by identity and gives the sightings that are still nobody's.
  private mutating func matchByPlace() -> [Int] {
    var rest: [Int] = []
    for (index, sighting) in report.sightings.enumerated() {
      let place = Place(connectedSince: sighting.connectedSince, address: sighting.address)
      let admission = admissions.isEmpty ? nil : admissions.removeValue(forKey: place)
      if let admission { spent.append(admission) }
      if let account = accounts.removeValue(forKey: place) {
        matches[index] = .account(account)
      } else if let admission {
        matches[index] = .unknown(admission)
      } else {
        rest.append(index)
      }
    }
    return rest
  }

  private mutating func matchByFace(_ rest: [Int]) {
    let sightings = Dictionary(grouping: rest) { index in
      let sighting = report.sightings[index]
      return Face(connectedSince: sighting.connectedSince, commonName: sighting.commonName)
    }
    let lost = Dictionary(grouping: accounts.values) { account in
      Face(connectedSince: account.identity.connectedSince, commonName: account.commonName)
    }
    let admitted = Dictionary(grouping: admissions.values) { admission in
      Face(connectedSince: admission.identity.connectedSince, commonName: admission.commonName)
    }
    for (face, candidates) in sightings where candidates.count == 1 {
      if let account = lost[face]?.first, lost[face]?.count == 1 {
        matches[candidates[0]] = .account(account)
        accounts[Place(account.identity)] = nil
      } else if let admission = admitted[face]?.first, admitted[face]?.count == 1 {
        matches[candidates[0]] = .unknown(admission)
        spent.append(admission)
      }
    }
  }
}

extension Matching.Place {
  fileprivate init(_ identity: SessionIdentity) {
    self.init(connectedSince: identity.connectedSince, address: identity.address)
  }
}
