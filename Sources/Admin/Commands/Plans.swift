import ArgumentParser
import Ledger
import Quota
import Support
import System

struct Plans: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Look after plans: terms with a name, which users follow.",
    discussion: "Example: quota-admin plan add basic --quota 50GB --period month",
    subcommands: [AddPlan.self, SetPlan.self, ListPlans.self, ShowPlan.self, RemovePlan.self])
}

struct PlanArgument: ParsableArguments {
  @Argument(help: "The plan's name.")
  var name: String
}

struct AddPlan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add a plan.",
    discussion: """
      Example: quota-admin plan add trial --quota 5GB --expires +14d --from-first-connection
      """)

  @OptionGroup var options: CommonOptions
  @OptionGroup var terms: TermsOptions
  @OptionGroup var plan: PlanArgument

  func run() throws {
    let name = try planName(argument: plan.name)
    let administration = try Administration(options)
    let now = Clock.now
    let edit = try terms.edit(at: now, in: administration.settings.zone) { .none }
    let terms = edit.applied(to: Terms())
    try administration.change { ledger in
      try ledger.plans.add(name, terms, at: now)
    }
    let words = administration.words.terms(terms).joined(separator: ", ")
    try StandardOutput.write(["added plan \(name): \(words.isEmpty ? "no terms yet" : words)"])
  }
}

struct SetPlan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Change a plan, and with it all who follow it.",
    discussion: "Example: quota-admin plan set basic --quota 80GB")

  @OptionGroup var options: CommonOptions
  @OptionGroup var terms: TermsOptions
  @OptionGroup var plan: PlanArgument

  func run() throws {
    if terms.isEmpty {
      throw CommandError(
        "nothing is to be set", hint: "quota-admin plan set --help lists what can be",
        exitStatus: .usage)
    }
    let administration = try Administration(options)
    let now = Clock.now
    let plan = try administration.plan(named: plan.name)
    let edit = try terms.edit(at: now, in: administration.settings.zone) {
      plan.terms.period ?? .none
    }
    let followers = try administration.change { ledger in
      try ledger.plans.change(plan.name, edit, at: now)
    }
    let words = administration.words.terms(edit.applied(to: Terms())).joined(separator: ", ")
    let state = followers == nil ? "has \(words) already" : "now has \(words)"
    let reach = followers.map { "; \($0) \($0 == 1 ? "user follows" : "users follow") it" } ?? ""
    try StandardOutput.write(["plan \(plan.name) \(state)\(reach)"])
  }
}

struct RemovePlan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove a plan that nobody follows.",
    discussion: "Example: quota-admin plan remove trial")

  @OptionGroup var options: CommonOptions
  @OptionGroup var plan: PlanArgument

  func run() throws {
    let administration = try Administration(options)
    let plan = try administration.plan(named: plan.name)
    try administration.change { ledger in
      try ledger.plans.remove(plan.name, at: Clock.now)
    }
    try StandardOutput.write(["removed plan \(plan.name)"])
  }
}

struct ListPlans: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show all plans.",
    discussion: "Example: quota-admin plan list")

  @OptionGroup var options: CommonOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let administration = try Administration(options)
    let words = administration.words
    let plans = try administration.ledger.plans.all().map { plan in
      (plan: plan, users: Int64(try administration.ledger.plans.followers(of: plan).count))
    }
    var listing = Listing(
      "plans", plans,
      [
        .text("PLAN", key: "plan") { $0.plan.name },
        .part(Terms.columns) { $0.plan.terms },
        .number("USERS", key: "users") { $0.users },
        .text("TERMS") { words.terms($0.plan.terms).joined(separator: ", ") },
      ])
    listing.ifEmpty = (
      "there are no plans yet",
      "quota-admin plan add NAME --quota 50GB --period month adds one"
    )
    try listing.write(as: output.format, words)
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
    let followers = try administration.ledger.plans.followers(of: plan)
    if output.json {
      return try StandardOutput.write(
        JSONWriter.document { json in
          json.field("plan", plan.name)
          json.fields(Terms.columns, of: plan.terms)
          json.array("followers") { json in for name in followers { json.element("\(name)") } }
        })
    }
    try StandardOutput.write(
      ["plan \(plan.name)"] + administration.words.terms(plan.terms).map { "  \($0)" }
        + ["  \(followers.isEmpty ? "nobody follows it" : "followed by:")"]
        + followers.map { "    \($0.forPeople)" })
  }
}
