import Ledger
import Quota

/// What was moved on all hosts that share their users, as the centre has it.
struct AllHosts {
  private let administration: Administration
  private var ledger: Ledger { administration.ledger }

  /// - Throws: `CommandError` for a host that is by itself.
  init(_ administration: Administration) throws {
    self.administration = administration
    if try administration.ledger.hosts.membership() == nil {
      throw CommandError(
        "this host shares its users with no other",
        hint: "without --all-hosts and --by host, the report is about this one",
        exitStatus: .configuration)
    }
  }

  /// What was moved on some days by each of some users, or by everybody together.
  ///
  /// - Returns: for each of them a row a day or host.
  func usage(
    of subjects: [(name: UserName?, number: Int64?)], in days: ClosedRange<Day>,
    by part: UsageQuestion.Part
  ) throws -> [[UsageAnswer]] {
    let uids = try subjects.map { subject in
      try subject.number.map { try uid(of: $0, called: subject.name ?? "") }
    }
    let isOfAll = uids.contains(nil)
    let answers = try administration.sync.ask([
      .days(
        days, users: isOfAll ? nil : uids.compactMap(\.self), by: isOfAll ? [part] : [.user, part])
    ])
    return uids.map { uid in answers.filter { $0.user == uid } }
  }

  private func uid(of number: Int64, called name: UserName) throws -> String {
    if let uid = try ledger.hosts.identity(of: number)?.uid { return uid }
    throw CommandError(
      "no other host knows of \(name.forPeople) yet", hint: "quota-sync --verbose tells them")
  }

  /// The hosts, and what users have on each of them in the present period.
  func present() throws -> [UsageAnswer] { try administration.sync.ask([.hosts, .periods]) }

  /// What was moved, added up, and by whom.
  struct Sums {
    let sums: UsageSums
    /// By the users' numbers, which are negative for those whom this host has not heard of.
    let owners: [Int64: Owner]

    func movers(by count: Count) -> [Mover] { Mover.ranked(sums.byUser, owners, by: count) }
  }

  /// What was moved on some days.
  func sums(in days: ClosedRange<Day>) throws -> Sums {
    let answers = try administration.sync.ask([
      .days(days, by: [.day]), .days(days, by: [.user]),
    ])
    return try ledger.snapshot {
      var sums = UsageSums()
      var owners = try ledger.users.owners()
      for answer in answers where !answer.traffic.isZero {
        if let day = answer.day { sums.byDay[day] = answer.traffic }
        guard let uid = answer.user else { continue }
        let number = try ledger.hosts.number(of: uid) ?? -1 - Int64(sums.byUser.count)
        sums.byUser[number] = answer.traffic
        if owners[number] == nil { owners[number] = answer.owner }
      }
      return Sums(sums: sums, owners: owners)
    }
  }
}
