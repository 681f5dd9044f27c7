import ArgumentParser
import Support
import Ledger
import Quota
import SQLite

struct ListPlans: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show all plans.",
    discussion: "Example: quota-admin plan list")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let administration = try Administration(options)
    let plans = try administration.read { ledger in
      try ledger.plans.all().map { ($0, try ledger.plans.followers(of: $0).count) }
    }
    try StandardOutput.write(
      output.json ? json(plans) : table(plans, administration.settings.zone))
  }

  private func table(_ plans: [(Plan, Int)], _ zone: Zone) -> [UInt8] {
    var table = Table([.init("PLAN"), .init("USERS", isNumeric: true), .init("TERMS")])
    for (plan, followers) in plans {
      table.add([
        plan.name, "\(followers)", plan.terms.inWords(in: zone).joined(separator: ", "),
      ])
    }
    return table.text()
  }

  private func json(_ plans: [(Plan, Int)]) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.array("plans") { json in
        for (plan, followers) in plans {
          json.object { json in
            json.fields(of: plan)
            json.field("users", Int64(followers))
          }
        }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }
}

struct ShowPlan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a plan and who follows it.",
    discussion: "Example: quota-admin plan show basic")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var plan: PlanArgument

  func run() throws {
    let administration = try Administration(options)
    let plan = try administration.plan(named: plan.name)
    let followers = try administration.read { ledger in
      try ledger.plans.followers(of: plan)
    }
    try StandardOutput.write(
      output.json ? json(plan, followers) : text(plan, followers, administration.settings.zone))
  }

  private func text(_ plan: Plan, _ followers: [UserName], _ zone: Zone) -> [UInt8] {
    let lines =
      ["plan \(plan.name)"] + plan.terms.inWords(in: zone).map { "  \($0)" }
      + ["  \(followers.isEmpty ? "nobody follows it" : "followed by:")"]
      + followers.map { "    \($0.forPeople)" }
    return Array(lines.map { $0 + "\n" }.joined().utf8)
  }

  private func json(_ plan: Plan, _ followers: [UserName]) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.fields(of: plan)
      json.array("followers") { json in for name in followers { json.element("\(name)") } }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }
}

extension JSONWriter {
  /// The fields of a plan, as quota-admin(8) documents them; null where it says nothing.
  fileprivate mutating func fields(of plan: Plan) {
    let terms = plan.terms
    field("plan", plan.name)
    field("quota_bytes", terms.quota)
    field("period", terms.period.map { $0.text ?? "none" })
    switch terms.lifetime {
    case .until(let end): lifetime(end: isoTime(end), seconds: nil, fromFirst: nil)
    case .lasting(let seconds, let beginning):
      lifetime(end: nil, seconds: seconds, fromFirst: beginning == .firstConnection)
    case .unlimited, nil: lifetime(end: nil, seconds: nil, fromFirst: nil)
    }
    field("max_sessions", terms.maxSessions)
    field("grace_bytes", terms.grace?.bytes)
    field("grace_percent", terms.grace?.percent)
    field("exempt", terms.isExempt)
  }

  private mutating func lifetime(end: String?, seconds: Int64?, fromFirst: Bool?) {
    field("expires_at", end)
    field("expires_after_seconds", seconds)
    field("from_first_connection", fromFirst)
  }
}
